"""What happens now, for browsers that watch: each event overheard on the bus, passed to every open stream."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Lock
from time import monotonic
from typing import Any

from config_api.reading.activity import ActivityLine, FetchRun, from_level_on
from pipeline.errors import Rejected
from pipeline.events import ActivityLogged, Event, FetchRunFinished, Level, MailActed, MailDied, ReportStored
from pipeline.wire import Wire, decode

SUBJECTS = ("event.*.*", "report.stored.*.*")
MAX_STREAMS = 16  # each holds a thread; one more ends the oldest
MAX_WAITING = 500  # lines for a browser that does not keep up; further ones are left out
GLANCE = 1.0  # seconds between two looks at whether anybody still listens
HEARTBEAT = 15  # glances
LIFE = 60.0  # seconds; then the browser connects anew and shows again who it is


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
    interest: Interest
    waiting: "Queue[Happening]" = field(default_factory=lambda: Queue(MAX_WAITING))
    is_over: bool = False

    def offer(self, happening: Happening) -> None:
        try:
            self.waiting.put_nowait(happening)
        except Full:
            return


class Feed:
    """Heard on the loop's thread, read by the threads of the streams. `life`: seconds that a stream lasts at most."""

    def __init__(self, *, life: float = LIFE) -> None:
        self._life = life
        self._listeners: list[_Listener] = []
        self._lock = Lock()
        self._closed = False

    def hear(self, wire: Wire) -> None:
        """Passes the event on to whom it may concern; what cannot be read is of no interest."""
        try:
            happening = happening_of(decode(wire.headers, wire.payload).event)
        except Rejected:
            return
        if happening is None:
            return
        with self._lock:
            listeners = [listener for listener in self._listeners if listener.interest.holds(happening)]
        for listener in listeners:
            listener.offer(happening)

    def stream(self, interest: Interest, *, is_gone: Callable[[], bool] = lambda: False) -> Iterator[str]:
        """The text of a stream, from the first line taken on. `is_gone` says that nobody reads it any more."""
        listener = _Listener(interest)
        self._add(listener)
        try:
            yield "retry: 3000\n\n"
            yield from self._lines(listener, is_gone)
        finally:
            self._remove(listener)

    def close(self) -> None:
        """Ends every stream."""
        with self._lock:
            self._closed = True
            for listener in self._listeners:
                listener.is_over = True

    def _add(self, listener: _Listener) -> None:
        """Whoever came last is looked at; the oldest stream may belong to somebody long gone."""
        with self._lock:
            listener.is_over = self._closed
            self._listeners.append(listener)
            for oldest in self._listeners[:-MAX_STREAMS]:
                oldest.is_over = True
            del self._listeners[:-MAX_STREAMS]

    def _remove(self, listener: _Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _lines(self, listener: _Listener, is_gone: Callable[[], bool]) -> Iterator[str]:
        end = monotonic() + self._life
        silences = 0
        while not listener.is_over and monotonic() < end and not is_gone():
            try:
                yield listener.waiting.get(timeout=GLANCE).text
            except Empty:
                silences += 1
                if silences % HEARTBEAT == 0:
                    yield ": still here\n\n"


def happening_of(event: Event) -> Happening | None:
    """The event as a stream tells it, or None for what only the services are concerned with."""
    match event:
        case ActivityLogged():
            line = ActivityLine.model_validate(event, from_attributes=True)
            return Happening("activity", event.mailbox_id, event.source, event.level, line.model_dump(mode="json"))
        case FetchRunFinished():
            run = FetchRun.model_validate(event, from_attributes=True)
            level = Level.INFO if event.category == "ok" else Level.ERROR
            return Happening("run", event.mailbox_id, "fetch", level, run.model_dump(mode="json"))
        case MailActed():
            level = Level.ERROR if event.reason else Level.INFO
            return Happening("mail_acted", event.mailbox_id, "mail", level, event.model_dump(mode="json"))
        case MailDied():
            return Happening("mail_died", event.mail.mailbox_id, "mail", Level.ERROR, event.model_dump(mode="json"))
        case ReportStored():
            told = event.model_dump(mode="json", exclude={"report", "rows"})
            return Happening("report", event.mailbox_id, "report", Level.INFO, told)
        case _:
            return None
