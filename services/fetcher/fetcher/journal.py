"""The mailbox's journal: connection steps and fetch runs as events, for the activity log and the IMAP log."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import structlog
from pydantic import JsonValue

from pipeline.contracts.events import ActivityLogged, Level
from pipeline.contracts.mail_events import Event
from pipeline.contracts.wire import Envelope
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.runtime.retry import pause, persist, unless

log = structlog.get_logger(__name__)

MAX_WAITING = 10_000  # lines kept while the broker is away; further ones are only counted
BATCH = 200
GATHER_S = 0.2  # from the first line until it is published: others follow it, and go with it
MAX_ITEMS = 100
MAX_TEXT = 500  # characters


class Journal:
    """Takes lines without waiting and publishes them in the background, in order."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(MAX_WAITING)
        self._noted = asyncio.Event()
        self._dropped = 0

    def note(self, event: Event) -> None:
        """Publishes the event soon. When too many wait, it is dropped and the number is logged."""
        self._noted.set()
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self._dropped += 1

    def imap(self, mailbox_id: str, level: str, name: str, facts: Mapping[str, object]) -> None:
        """A line of the IMAP connection log."""
        data: dict[str, JsonValue] = {key: _plain(value) for key, value in facts.items()}
        self.note(
            ActivityLogged(
                id=uuid4().hex,
                mailbox_id=mailbox_id,
                source="imap",
                name=name,
                level=Level(level),
                data=data,
                at=datetime.now(UTC),
            )
        )
        log.log(_LEVELS[level], name, mailbox_id=mailbox_id, **data)

    async def run(self, stopping: asyncio.Event) -> None:
        """Publishes until told to stop, then what is left."""
        while not (stopping.is_set() and self._waiting.empty()):
            batch = await self._next_batch(stopping)
            if batch and not await self._published(batch, stopping):
                return

    async def _next_batch(self, stopping: asyncio.Event) -> list[Event]:
        if self._waiting.empty():
            self._noted.clear()
            await unless(self._noted.wait(), stopping)
            await pause(stopping, GATHER_S)
        return [self._waiting.get_nowait() for _ in range(min(BATCH, self._waiting.qsize()))]

    async def _published(self, batch: Sequence[Event], stopping: asyncio.Event) -> bool:
        envelopes = [Envelope(event) for event in batch]
        try:
            await persist(lambda: self._bus.publish(envelopes), stopping=stopping)
        except TryLater as error:
            log.warning("journal_lost", lines=len(batch) + self._waiting.qsize(), detail=error.detail[:200])
            return False
        if self._dropped:
            log.warning("journal_dropped", lines=self._dropped)
            self._dropped = 0
        return True


def _plain(value: object) -> JsonValue:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in list(value)[:MAX_ITEMS]]
    return str(value)[:MAX_TEXT].encode("utf-8", "replace").decode()  # half of a surrogate pair has no JSON


_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
