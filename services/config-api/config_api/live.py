"""What happens now, for browsers that watch: each event overheard on the bus, passed to every open stream."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Lock
from typing import Any

from config_api.problem import Problem
from config_api.reading.activity import ActivityLine, FetchRun
from pipeline.errors import Rejected
from pipeline.events import ActivityLogged, Event, FetchRunFinished, MailActed, MailDied, ReportStored
from pipeline.wire import Wire, decode

SUBJECTS = ("event.*.*", "report.stored.*.*")
MAX_STREAMS = 16  # each holds a thread
MAX_WAITING = 500  # lines for a browser that does not keep up; further ones are left out
HEARTBEAT = 15.0  # seconds
MAX_LIFE = 40  # heartbeats; then the browser connects anew and shows again who it is


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as a stream sends it. `data` is what the API gives for it elsewhere."""

    name: str
    mailbox_id: str
    source: str
    level: str
    data: dict[str, Any]

    @property
    def text(self) -> str:
        """The form of the HTML standard, section 9.2 (server-sent events)."""
        return f"event: {self.name}\ndata: {json.dumps(self.data, separators=(',', ':'))}\n\n"


@dataclass(frozen=True, slots=True)
class Interest:
    """What a stream wants to hear; None: everything."""

    mailbox_id: str | None = None
    source: str | None = None
    level: str | None = None

    def holds(self, happening: Happening) -> bool:
        """Whether it wants this."""
        wanted = (
            (self.mailbox_id, happening.mailbox_id),
            (self.source, happening.source),
            (self.level, happening.level),
        )
        return all(wish is None or wish == got for wish, got in wanted)


@dataclass(slots=True)
class _Listener:
    interest: Interest
    waiting: "Queue[Happening | None]" = field(default_factory=lambda: Queue(MAX_WAITING))

    def offer(self, happening: Happening | None) -> None:
        try:
            self.waiting.put_nowait(happening)
        except Full:
            return


class Feed:
    """Heard on the loop's thread, read by the threads of the streams."""

    def __init__(self) -> None:
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

    def stream(self, interest: Interest) -> Iterator[str]:
        """The text of a stream, from now on. Raises Problem 503 when too many are open."""
        listener = _Listener(interest)
        with self._lock:
            if self._closed or len(self._listeners) >= MAX_STREAMS:
                raise Problem(503, "Too many live views", "Close one, or try again later.", retry_after=10)
            self._listeners.append(listener)
        return self._lines(listener)

    def close(self) -> None:
        """Ends every stream."""
        with self._lock:
            self._closed = True
            listeners = list(self._listeners)
        for listener in listeners:
            listener.offer(None)

    def _lines(self, listener: _Listener) -> Iterator[str]:
        try:
            yield "retry: 3000\n\n"
            silences = 0
            while silences < MAX_LIFE and not self._closed:
                try:
                    happening = listener.waiting.get(timeout=HEARTBEAT)
                except Empty:
                    silences += 1
                    yield ": still here\n\n"
                    continue
                if happening is None:
                    return
                yield happening.text
        finally:
            with self._lock:
                self._listeners.remove(listener)


def happening_of(event: Event) -> Happening | None:
    """The event as a stream tells it, or None for what only the services are concerned with."""
    match event:
        case ActivityLogged():
            line = ActivityLine.model_validate(event, from_attributes=True)
            return Happening("activity", event.mailbox_id, event.source, event.level, line.model_dump(mode="json"))
        case FetchRunFinished():
            run = FetchRun.model_validate(event, from_attributes=True)
            level = "info" if event.category == "ok" else "error"
            return Happening("run", event.mailbox_id, "fetch", level, run.model_dump(mode="json"))
        case MailActed():
            level = "error" if event.reason else "info"
            return Happening("mail_acted", event.mailbox_id, "mail", level, event.model_dump(mode="json"))
        case MailDied():
            return Happening("mail_died", event.mail.mailbox_id, "mail", "error", event.model_dump(mode="json"))
        case ReportStored():
            told = event.model_dump(mode="json", exclude={"report", "rows"})
            return Happening("report", event.mailbox_id, "report", "info", told)
        case _:
            return None
