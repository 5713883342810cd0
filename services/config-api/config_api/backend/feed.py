"""Live views: what happens now, passed to every browser that watches."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from pipeline.contracts.events import Level, from_level_on

MAX_STREAMS = 64  # one more ends the oldest
MAX_WAITING = 500  # lines for a browser that does not keep up; further ones are left out
HEARTBEAT = 15.0  # seconds of silence
LIFE = 60.0  # seconds; then the browser connects again, and shows again who it is


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as a stream sends it. `data` is what the API gives for it elsewhere."""

    name: str
    mailbox_id: str
    source: str
    level: Level
    data: dict[str, Any]

    @property
    def text(self) -> str:
        """The form of the HTML standard, section 9.2 (server-sent events)."""
        return f"event: {self.name}\ndata: {json.dumps(self.data, separators=(',', ':'))}\n\n"


@dataclass(frozen=True, slots=True)
class Interest:
    """What a stream wants to hear; None: everything. `level` means this one and what matters more, as in the lists."""

    mailbox_id: str | None = None
    source: str | None = None
    level: Level | None = None

    def holds(self, happening: Happening) -> bool:
        """Whether it wants this."""
        levels = from_level_on(self.level)
        return (
            self.mailbox_id in (None, happening.mailbox_id)
            and self.source in (None, happening.source)
            and (levels is None or happening.level in levels)
        )


@dataclass(slots=True, eq=False)
class _Listener:
    """Heard on the bus's thread, read on the loop that it was made on. None in `waiting` wakes a reader up."""

    interest: Interest
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    waiting: "asyncio.Queue[Happening | None]" = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))
    is_over: bool = False

    def offer(self, happening: Happening | None) -> None:
        with suppress(RuntimeError):  # its loop was closed meanwhile
            self.loop.call_soon_threadsafe(self._put, happening)

    def end(self) -> None:
        self.is_over = True
        self.offer(None)

    def _put(self, happening: Happening | None) -> None:
        if not self.waiting.full():
            self.waiting.put_nowait(happening)


class Feed:
    """Every open stream. `life`: seconds that a stream lasts at most."""

    def __init__(self, *, life: float = LIFE) -> None:
        self._life = life
        self._listeners: list[_Listener] = []
        self._lock = Lock()
        self._closed = False

    def tell(self, happening: Happening) -> None:
        """Passes it on to whom it may concern."""
        with self._lock:
            listeners = [listener for listener in self._listeners if listener.interest.holds(happening)]
        for listener in listeners:
            listener.offer(happening)

    def stream(self, interest: Interest) -> "Stream":
        """What a browser that watches is sent."""
        return Stream(self, interest)

    def close(self) -> None:
        """Ends every stream."""
        with self._lock:
            self._closed = True
            for listener in self._listeners:
                listener.end()

    async def lines(self, interest: Interest) -> AsyncGenerator[str]:
        """The text of a stream, from the first line taken on."""
        listener = _Listener(interest)
        self._add(listener)
        try:
            yield "retry: 3000\n\n"
            async for line in self._lines(listener):
                yield line
        finally:
            self._remove(listener)

    def _add(self, listener: _Listener) -> None:
        """Whoever came last is looked at; the oldest stream may belong to somebody long gone."""
        with self._lock:
            listener.is_over = self._closed
            self._listeners.append(listener)
            for oldest in self._listeners[:-MAX_STREAMS]:
                oldest.end()
            del self._listeners[:-MAX_STREAMS]

    def _remove(self, listener: _Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    async def _lines(self, listener: _Listener) -> AsyncIterator[str]:
        end = listener.loop.time() + self._life
        while not listener.is_over and (left := end - listener.loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, HEARTBEAT)):
                    happening = await listener.waiting.get()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if happening is not None:
                yield happening.text


class Stream:
    """A stream as an answer: the server takes it as an asynchronous iterable, which holds no thread while it waits.

    (WSGI knows none, and wants to see an iterable; it gets an empty one.)
    """

    def __init__(self, feed: Feed, interest: Interest) -> None:
        self._feed = feed
        self._interest = interest

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        lines = self._feed.lines(self._interest)
        try:
            async for line in lines:
                yield line.encode()
        finally:
            await lines.aclose()
