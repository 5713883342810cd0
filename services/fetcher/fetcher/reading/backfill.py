"""Backfill: reading a folder again, behind what is new in it: a slice at a time, and only when nothing new is there.

Mails that come in meanwhile are fetched before the next slice. A slice waits until few emails of the mailbox are on
their way to the ledger, so that a new email never stands behind a long queue of old ones.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date

from fetcher.imap.interface import MailSession
from fetcher.reading.fetch_run import Run
from fetcher.reading.filters import criteria_for
from fetcher.signals import Signals
from pipeline.contracts.cursor import Cursor
from pipeline.contracts.mailbox import Filters
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.cursors import BackfillBucket, Underway
from pipeline.jetstream.lag import in_flight
from pipeline.runtime.retry import pause

SLICE_MAILS = 200
FEW_ON_THEIR_WAY = 500  # emails of the mailbox
LOOK_AGAIN_S = 3.0  # for room, and for new emails


@dataclass(frozen=True, slots=True)
class Slice:
    """The next UIDs to read again, rising. `reached` notes that every one up to a UID is dealt with."""

    uids: list[int]
    reached: Callable[[int], Awaitable[None]]


class Backfills:
    """Those of one mailbox."""

    def __init__(self, bus: Bus, signals: Signals) -> None:
        self._bus = bus
        self._bucket = BackfillBucket(bus.js)
        self._signals = signals
        self._found: dict[tuple[str, int | None, int, date | None], list[int]] = {}  # UIDs by what was searched

    async def wanted(self, run: Run) -> bool:
        """Whether the folder is to be read again. Raises TryLater."""
        return await self._bucket.get(run.mailbox.id, run.folder) is not None

    async def next_slice(self, session: MailSession, run: Run, cursor: Cursor) -> Slice | None:
        """The next emails; None when it is finished, or when others are on their way. The folder is open.

        Raises ImapFault; TryLater while the broker is away, or when another backfill was asked for.
        """
        stored = await self._bucket.get(run.mailbox.id, run.folder)
        if stored is None:
            return None
        if await in_flight(self._bus.js, run.mailbox.id) > FEW_ON_THEIR_WAY:
            await pause(self._signals.stop, LOOK_AGAIN_S)
            return None
        backfill = stored.backfill.begun(uidvalidity=cursor.uidvalidity, up_to_uid=cursor.last_uid)
        underway = replace(stored, backfill=backfill)
        uids = [uid for uid in await self._all(session, run, underway) if uid > backfill.last_uid]
        if not uids:
            await self._bucket.done(run.mailbox.id, run.folder, after=stored)
            self._found.clear()
            return None
        return Slice(uids[:SLICE_MAILS], self._noting(run, underway))

    async def _all(self, session: MailSession, run: Run, underway: Underway) -> list[int]:
        """Searched once: a search through a large folder takes long."""
        backfill = underway.backfill
        key = (run.folder, backfill.uidvalidity, backfill.up_to_uid, backfill.since)
        if key not in self._found:
            range_of_uids = criteria_for(Filters(), now=run.started_at, after_uid=0, up_to_uid=backfill.up_to_uid)
            self._found = {key: sorted(await session.search(replace(range_of_uids, since=backfill.since)))}
        return self._found[key]

    def _noting(self, run: Run, underway: Underway) -> Callable[[int], Awaitable[None]]:
        async def reached(uid: int) -> None:
            nonlocal underway
            further = underway.backfill.reached(uid)
            underway = await self._bucket.put(run.mailbox.id, run.folder, further, after=underway)

        return reached
