"""Refused mail is kept within a quota: so many bytes and days, the oldest of the busiest sender first.

Every process of config-api looks; a letter that another one has thrown away already is no fault.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from config_api.backend import Backend
from pipeline.adapters.dead_letters import DeadLetters, Letter, NoSuchLetter
from pipeline.dead import autopsy, mailbox_of
from pipeline.errors import TryLater
from pipeline.events import MailEvent
from pipeline.quota import Kept, superfluous
from pipeline.stopping import pause
from pipeline.telemetry.metrics import REFUSED_DROPPED, REFUSED_FULLNESS
from pipeline.wire import head

log = structlog.get_logger(__name__)

LOOK_EVERY = 15.0  # seconds
MAX_AT_ONCE = 5_000  # letters thrown away in one look


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
        letters = DeadLetters(self._backend.bus)
        await self._look(letters)
        days = settings.keep_refused_days
        gone = superfluous(
            self._kept.values(),
            max_bytes=settings.keep_refused_bytes,
            not_before=datetime.now(UTC) - timedelta(days=days) if days else None,
        )
        for number in gone[:MAX_AT_ONCE]:
            await self._drop(letters, number)
        held = sum(letter.size for letter in self._kept.values())
        REFUSED_FULLNESS.set(held / settings.keep_refused_bytes)
        if gone:
            log.warning("refused_mail_dropped", letters=len(gone), quota_bytes=settings.keep_refused_bytes, days=days)
        return len(gone)

    async def _look(self, letters: DeadLetters) -> None:
        first = await letters.first_number()
        self._kept = {number: letter for number, letter in self._kept.items() if number >= first}
        async for letter in letters.oldest(above=max(self._kept, default=0)):
            self._kept[letter.sequence] = _kept(letter)

    async def _drop(self, letters: DeadLetters, number: int) -> None:
        letter = self._kept.pop(number)
        try:
            await letters.discard(number)
        except NoSuchLetter:
            return
        except TryLater:
            self._kept[number] = letter
            raise
        REFUSED_DROPPED.inc()


def _kept(letter: Letter) -> Kept:
    """A mail's size counts, wherever its bytes are; where no sender is known, the mailbox stands for it."""
    event = head(letter.wire.headers)
    mailbox = mailbox_of(letter.wire.subject)
    sender, size = mailbox, letter.size
    if isinstance(event, MailEvent):
        sender = getattr(event, "from_address", "").casefold() or mailbox
        size = max(size, event.size)
    return Kept(letter.sequence, sender, size, autopsy(letter.wire.headers).at)
