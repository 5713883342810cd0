"""Refused mail is kept within a quota: so many bytes and days, the oldest of the busiest sender first.

Where the object store fills up, what refused mail keeps there goes before new email has to wait.

Every process of config-api looks; a dead letter that another one has thrown away already is no fault.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog

from config_api.backend import Backend
from config_api.mailboxes import journal
from pipeline.contracts.dead_letter import history_of, mailbox_of
from pipeline.contracts.mail_events import MailEvent
from pipeline.contracts.mailbox import MAILBOX_ID_PATTERN
from pipeline.contracts.topology import BLOB_REFUSED_SHARE
from pipeline.contracts.wire import head
from pipeline.errors import TryLater
from pipeline.jetstream.dead_letters import DeadLetter, DeadLetters, NoSuchDeadLetter
from pipeline.jetstream.lag import BlobStore, blob_store
from pipeline.runtime.quota import Kept, in_the_way, superfluous
from pipeline.runtime.retry import pause
from pipeline.telemetry.metrics import REFUSED_DROPPED, REFUSED_FULLNESS

log = structlog.get_logger(__name__)

WHO = "the quota of refused mail"
LOOK_EVERY = 15.0  # seconds
WANTED_ROOM = 1 / 8  # of the object store, for new email
MAX_AT_ONCE = 5_000  # dead letters thrown away in one look


class DeadQuota:
    """Remembers what is kept, so that a look reads only what is new."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept: dict[int, Kept] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks now and then until told to stop; while the bus is away, nothing is thrown away."""
        while not stopping.is_set():
            try:
                await self.enforce()
            except TryLater as error:
                log.debug("dead_letters_not_looked_at", detail=error.detail[:200])
            await pause(stopping, LOOK_EVERY)

    async def enforce(self) -> int:
        """Throws away what is too much, and gives how many that were. Raises TryLater while the bus is away."""
        settings = self._backend.settings
        stored = DeadLetters(self._backend.bus)
        await self._look(stored)
        days = settings.keep_refused_days
        store = await blob_store(self._backend.bus.js)
        gone = superfluous(
            self._kept.values(),
            max_bytes=settings.keep_refused_bytes,
            not_before=datetime.now(UTC) - timedelta(days=days) if days else None,
        )
        left = [self._kept[number] for number in self._kept.keys() - set(gone)]
        gone += in_the_way(left, room=_too_much(store, left))
        dropped = Counter([self._kept[number].mailbox_id for number in gone[:MAX_AT_ONCE]])
        for number in gone[:MAX_AT_ONCE]:
            await self._drop(stored, number)
        await self._tell(dropped)
        held = sum(dead_letter.size for dead_letter in self._kept.values())
        REFUSED_FULLNESS.set(held / settings.keep_refused_bytes)
        if gone:
            log.warning("refused_mail_dropped", letters=len(gone), quota_bytes=settings.keep_refused_bytes, days=days)
        return len(gone)

    async def _look(self, stored: DeadLetters) -> None:
        first = await stored.first_number()
        self._kept = {number: dead_letter for number, dead_letter in self._kept.items() if number >= first}
        async for dead_letter in stored.oldest(above=max(self._kept, default=0)):
            self._kept[dead_letter.sequence] = _kept(dead_letter)

    async def _tell(self, dropped: Counter[str]) -> None:
        """In the activity of each mailbox, so that nobody wonders where its dead letters are."""
        if not dropped:
            return
        async with self._backend.database.transaction() as connection:
            for mailbox_id, letters in dropped.items():
                text = f"Dead letters thrown away: {letters} (too old, or more than is kept of refused mail)"
                await journal.note(connection, mailbox_id, "refused_mail_dropped", text=text, who=WHO)

    async def _drop(self, stored: DeadLetters, number: int) -> None:
        dead_letter = self._kept.pop(number)
        try:
            await stored.discard(number)
        except NoSuchDeadLetter:
            return
        except TryLater:
            self._kept[number] = dead_letter
            raise
        REFUSED_DROPPED.inc()


def _too_much(store: BlobStore, kept: Iterable[Kept]) -> int:
    """Bytes of refused mail to take from the object store: over its share, and where new email finds little room."""
    over_share = sum(each.stored for each in kept) - int(store.most * BLOB_REFUSED_SHARE)
    wanted_room = int(store.most * WANTED_ROOM)
    return max(over_share, wanted_room - store.room, 0)


def _kept(dead_letter: DeadLetter) -> Kept:
    """A mail's size counts, wherever its bytes are; where no sender is known, the mailbox stands for it."""
    event = head(dead_letter.wire.headers)
    mailbox = mailbox_of(dead_letter.wire.subject)
    if not re.fullmatch(MAILBOX_ID_PATTERN, mailbox):  # whoever may write to the bus may have made it up
        mailbox = "none"
    sender, size = mailbox, dead_letter.size
    if isinstance(event, MailEvent):
        sender = getattr(event, "from_address", "").casefold() or mailbox
        size = max(size, event.size)
    stored = size if size > dead_letter.size else 0  # the event is smaller than its email: the bytes are beside it
    return Kept(dead_letter.sequence, mailbox, sender, size, history_of(dead_letter.wire.headers).at, stored)
