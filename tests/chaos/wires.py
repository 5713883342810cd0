"""Wires: the ways between services and servers, driven from the thread that tells the story.

with Wires() as wires:
    wire = wires.to(server_port)
    client connects to 127.0.0.1:wire.port
    with wire.trap(rb"UID MOVE", spring=child.kill) as trap:
        trap.wait(20)
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Self

from config_api.backend.loop import Loop
from tests.support.proxy import FaultyProxy

CALL_S = 20.0

Rewrite = Callable[["re.Match[bytes]"], bytes]


def _nothing() -> None:
    """The spring of a trap that only notices."""


@dataclass(slots=True, kw_only=True)
class Trap:
    """Does something, once, when bytes that match pass in one direction; `skip` matches are let pass first.

    `after` False: the chunk of bytes that matched never arrives. True: it has arrived, its answer has not come yet.
    """

    pattern: re.Pattern[bytes]
    spring: Callable[[], None]
    to_server: bool = True
    after: bool = False
    skip: int = 0
    sprung: Event = field(default_factory=Event)

    def holds(self, data: bytes, *, to_server: bool) -> bool:
        """Whether this chunk springs it."""
        if to_server is not self.to_server or self.sprung.is_set() or not self.pattern.search(data):
            return False
        self.skip -= 1
        return self.skip < 0

    def go(self) -> None:
        """Springs."""
        self.sprung.set()
        self.spring()

    def wait(self, seconds: float) -> bool:
        """Whether it has sprung within so many seconds."""
        return self.sprung.wait(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """What is said in a server's place, or in its name: a rewritten chunk, and perhaps an answer instead of it."""

    pattern: re.Pattern[bytes]
    onward: Rewrite
    answer: Rewrite
    to_server: bool


class Wire:
    """One proxied way. `port` is where the client connects to; `proxy` is for springs, which run in the wire's thread.

    The methods are for any other thread.
    """

    def __init__(self, loop: Loop, port: int) -> None:
        self._loop = loop
        self._traps: list[Trap] = []
        self._lies: list[Lie] = []
        self.lies_told = 0
        self.proxy = FaultyProxy(port=port, inspector=self)

    @property
    def port(self) -> int:
        return self.proxy.port

    def open(self) -> None:
        self._loop.call(self.proxy.__aenter__(), timeout=CALL_S)

    def close(self) -> None:
        self._loop.call(self.proxy.__aexit__(), timeout=CALL_S)

    def cut(self) -> None:
        """Resets all connections."""
        self._do(self.proxy.cut)

    def hang(self) -> None:
        """Lets nothing through, and keeps every connection open."""
        self._do(self.proxy.hang)

    def abandon(self) -> None:
        """Lets nothing through on the connections that are open, ever; new ones are honest."""
        self._do(self.proxy.abandon)

    def refuse(self) -> None:
        """Resets all connections, and each new one."""
        self._do(self.proxy.refuse)

    def slow(self, *, bytes_per_s: int) -> None:
        """Lets bytes through at this rate, in each direction of each connection."""
        self._do(lambda: self.proxy.slow(bytes_per_s=bytes_per_s))

    def repair(self) -> None:
        """Is honest again."""
        self._do(self.proxy.repair)

    @contextmanager
    def trap(
        self, pattern: bytes, *, spring: Callable[[], None] = _nothing, to_server: bool = True, after: bool = False,
        skip: int = 0,
    ) -> Iterator[Trap]:  # fmt: skip
        """A trap that is set inside the block; it springs in the wire's own thread."""
        trap = Trap(pattern=re.compile(pattern, re.DOTALL), spring=spring, to_server=to_server, after=after, skip=skip)
        self._traps.append(trap)
        try:
            yield trap
        finally:
            self._traps.remove(trap)

    @contextmanager
    def answering(self, pattern: bytes, answer: bytes) -> Iterator[None]:
        """Commands that match never arrive; the client gets this answer (a template of `re`) from us."""
        with self._lying(
            Lie(pattern=re.compile(pattern), onward=lambda _: b"", answer=lambda m: m.expand(answer), to_server=True)
        ):
            yield

    @contextmanager
    def rewriting(self, pattern: bytes, said: bytes) -> Iterator[None]:
        """What the server says comes out differently (a template of `re`)."""
        rewrite = re.compile(pattern)

        def onward(match: "re.Match[bytes]") -> bytes:
            return rewrite.sub(said, match.string)

        with self._lying(Lie(pattern=rewrite, onward=onward, answer=lambda _: b"", to_server=False)):
            yield

    def passing(self, data: bytes, *, to_server: bool) -> tuple[bytes, bytes]:
        """The inspector's side of the proxy."""
        for trap in list(self._traps):
            if not trap.after and trap.holds(data, to_server=to_server):
                trap.go()
                return b"", b""
        for lie in self._lies:
            match = lie.pattern.search(data) if lie.to_server is to_server else None
            if match is not None:
                self.lies_told += 1
                return lie.onward(match), lie.answer(match)
        return data, b""

    def passed(self, data: bytes, *, to_server: bool) -> None:
        """The inspector's side of the proxy."""
        for trap in list(self._traps):
            if trap.after and trap.holds(data, to_server=to_server):
                trap.go()

    @contextmanager
    def _lying(self, lie: Lie) -> Iterator[None]:
        self._lies.append(lie)
        try:
            yield
        finally:
            self._lies.remove(lie)

    def _do(self, what: Callable[[], None]) -> None:
        async def done() -> None:
            what()

        self._loop.call(done(), timeout=CALL_S)


class Wires:
    """All wires of a site, on one loop in a thread of its own; other coroutines may run there too."""

    def __init__(self) -> None:
        self.loop = Loop()
        self._open: list[Wire] = []

    def to(self, port: int) -> Wire:
        """A new wire to the server on this loopback port."""
        wire = Wire(self.loop, port)
        wire.open()
        self._open.append(wire)
        return wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._open:
            wire.close()
        self.loop.close()
