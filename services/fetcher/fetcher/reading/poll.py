"""One fetch run: what is new in the folder is filtered, measured, downloaded and published; then the cursor moves.

When nothing is new and the folder is to be read again, a slice of it is fetched in the same way.

The next batch is downloaded while the one before it is being published. The cursor moves only over emails that the
broker has confirmed, or that the filters pass over, and stays below those that find no room (`room`). However many
emails are new, only their UIDs are held; everything else is asked for a window at a time, so that the first emails are
on their way long before the last is looked at.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import structlog

from fetcher.departed import Departed
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.fetch_answer import Meta
from fetcher.imap.interface import MailSession
from fetcher.reading.backfill import Backfills
from fetcher.reading.download import downloads
from fetcher.reading.fetch_run import Batch, Download, Run, Stretch, fetched, stretches
from fetcher.reading.filters import STRAIN, criteria_for, matching, windows
from fetcher.reading.position import Positions
from fetcher.reading.reconcile import Reconciliation
from fetcher.reading.room import Waiting, needs_room, without_room
from fetcher.reading.withheld import FolderRetries
from fetcher.signals import Signals
from fetcher.throttle import Pace
from pipeline.contracts.connection_test import Category
from pipeline.contracts.cursor import Cursor, above, advanced
from pipeline.contracts.events import FetchTrigger
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail_events import MailEvent
from pipeline.contracts.mailbox import Filters
from pipeline.contracts.trace import named
from pipeline.contracts.wire import Envelope
from pipeline.errors import StoreFull, leaves
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.cursors import Bookmark, CursorBucket
from pipeline.jetstream.lag import blob_store
from pipeline.runtime.retry import pause, persist
from pipeline.telemetry.metrics import MAILBOX_NO_ROOM

log = structlog.get_logger(__name__)

BATCHES_AHEAD = 1
_CAME_BACK = (
    'emails that were moved away from "{folder}", or deleted there, came back: they are left where they are; check that'
    " the folder to move to is another one, and that no rule on the server moves them back"
)


@dataclass(frozen=True, slots=True)
class _Task:
    """The UIDs to look at, rising. `reached` notes that every email up to the end of a batch is dealt with."""

    uidvalidity: int
    uids: list[int]
    reached: Callable[[Batch], Awaitable[None]]
    above: int = 0  # emails up to this UID hold up none: the cursor is there already


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a mailbox's folders, beside how far each was read."""

    positions: Positions
    departed: Departed
    reconciliation: Reconciliation


class Poll:
    """Fetches what is new in one mailbox's folder."""

    def __init__(
        self,
        *,
        bus: Bus,
        limits: Limits,
        pace: Pace,
        known: Known,
        signals: Signals,
    ) -> None:
        self._bus = bus
        self._cursors = CursorBucket(bus.js)
        self._known = known
        self._limits = limits
        self._pace = pace
        self._backfills = Backfills(bus, signals)
        self._retries: dict[tuple[str, int], FolderRetries] = defaultdict(FolderRetries)  # by folder, uidvalidity
        self._waiting: dict[tuple[str, int], Waiting] = defaultdict(Waiting)  # by folder, uidvalidity
        self._signals = signals

    async def run(self, session: MailSession, run: Run) -> bool:
        """One look into the folder; `run` counts what was published.

        Ends after the batch in hand when told to stop, and when the session is wanted by somebody else: then it gives
        False. Raises ImapFault; TryLater while the cursor cannot be read or moved, or when told to stop while the
        broker is away.
        """
        try:
            cursor, stored = await self._known.positions.open(session, run)
            task = await self._new_mails(session, run, cursor, stored)
            if not task.uids and (again := await self._backfills.next_slice(session, run, cursor)):
                run.trigger = FetchTrigger.BACKFILL
                task = _Task(cursor.uidvalidity, again.uids, lambda batch: again.reached(batch.up_to_uid))
            run.found(len(task.uids))
            whole = not task.uids or await self._transferred(session, run, task)
            waiting = self._waiting[run.folder, task.uidvalidity]
            run.complaint = run.complaint or waiting.fault
            MAILBOX_NO_ROOM.labels(run.mailbox.id).set(sum(len(it.uids) for it in self._waiting.values()))
            if run.folder in self._known.departed.returned_to:
                run.complaint = ImapFault(Category.CONNECTIVITY, _CAME_BACK.format(folder=run.folder))
            run.more = not waiting.uids and await self._backfills.wanted(run)
            return whole
        except ImapFault as fault:
            if fault.category in STRAIN:
                self._pace.went_badly()
            raise

    async def _transferred(self, session: MailSession, run: Run, task: _Task) -> bool:
        ready: asyncio.Queue[Batch | None] = asyncio.Queue(BATCHES_AHEAD)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._publish_all(ready, run, task))
                whole, fault = await self._download_all(ready, session, run, task)
        except BaseExceptionGroup as together:
            raise leaves(together)[0] from None
        if fault is not None:
            raise fault
        return whole

    async def _download_all(
        self, ready: "asyncio.Queue[Batch | None]", session: MailSession, run: Run, task: _Task
    ) -> tuple[bool, ImapFault | None]:
        """Whether it was not stopped before the end, and what went wrong: what came before that is published."""
        whole, fault = True, None
        try:
            async with aclosing(self._batches(session, run, task)) as batches:
                async for batch in batches:
                    await ready.put(batch)
                    if self._signals.let_go:
                        whole = False
                        break
        except ImapFault as error:
            fault = error
        await ready.put(None)
        return whole, fault

    async def _new_mails(self, session: MailSession, run: Run, cursor: Cursor, stored: Bookmark) -> _Task:
        """Those above the cursor, and what reconciliation found below it."""
        everything = criteria_for(Filters(), now=run.started_at, after_uid=cursor.last_uid)
        waiting = self._waiting[run.folder, cursor.uidvalidity]
        new = waiting.begin(cursor.last_uid, above(cursor, await session.search(everything)))
        uids = [*await self._known.reconciliation.unsettled(session, run, cursor), *new]

        async def reached(batch: Batch) -> None:
            nonlocal cursor, stored
            cursor = advanced(cursor, batch.up_to_uid, batch.landmark)
            stored = await self._cursors.put(run.mailbox.id, run.folder, cursor, after=stored)

        return _Task(cursor.uidvalidity, uids, reached, above=cursor.last_uid)

    async def _batches(self, session: MailSession, run: Run, task: _Task) -> AsyncGenerator[Batch, None]:
        filters = run.mailbox.settings.filters
        retries = self._retries[run.folder, task.uidvalidity]
        room = partial(self._without_room, self._waiting[run.folder, task.uidvalidity])
        async with aclosing(self._stretches(session, run, task)) as all_stretches:
            async for stretch in all_stretches:
                arriving = downloads(session, stretch, filters, limits=self._limits, retries=retries, without_room=room)
                async with aclosing(arriving):
                    async for batch in arriving:
                        yield batch
                self._pace.went_well(len(stretch.uids), asyncio.get_running_loop().time())

    async def _stretches(self, session: MailSession, run: Run, task: _Task) -> AsyncGenerator[Stretch, None]:
        """All of the task, as fast as the pace allows; ends early when told to stop."""
        loop, stop = asyncio.get_running_loop(), self._signals.stop
        for window in windows(task.uids):
            wanted = await matching(session.search, run.mailbox.settings.filters, window, now=run.started_at)
            for stretch in stretches(window, wanted, mails=lambda: max(1, self._pace.mails(loop.time()))):
                while (wait_s := self._pace.wait_s(loop.time())) > 0 and not stop.is_set():
                    await pause(stop, wait_s)
                if stop.is_set():
                    return
                yield stretch

    async def _publish_all(self, ready: "asyncio.Queue[Batch | None]", run: Run, task: _Task) -> None:
        waiting = self._waiting[run.folder, task.uidvalidity]
        while (batch := await ready.get()) is not None:
            envelopes = [self._offered(run, task.uidvalidity, download) for download in batch.downloads]
            waiting.uids |= await self._published(envelopes)
            waiting.hold(batch, above=task.above)
            if about := named(envelope.event for envelope in envelopes):
                log.info("published", mailbox_id=run.mailbox.id, run_id=run.id, **about)
            await task.reached(batch)
            run.count(batch)

    async def _published(self, envelopes: Sequence[Envelope]) -> set[int]:
        """Publishes what there is room for, and waits for a stream that is full: the back-pressure. Gives the UIDs of
        those whose bytes find no room in the object store.
        """

        async def attempt() -> bool:
            try:
                await self._bus.publish(envelopes)
            except StoreFull:
                return False
            return True

        if await persist(attempt, stopping=self._signals.stop):
            return set()
        if len(envelopes) == 1:
            return {e.event.mail.uid for e in envelopes if isinstance(e.event, MailEvent)}
        return set().union(*[await self._published([envelope]) for envelope in envelopes])

    async def _without_room(self, waiting: Waiting, metas: Sequence[Meta]) -> frozenset[int]:
        """The emails to leave in the mailbox for want of room; they are noted as waiting."""
        if not any(needs_room(meta.size) for meta in metas):
            return frozenset()
        store = await persist(partial(blob_store, self._bus.js), stopping=self._signals.stop)
        uids = without_room(metas, store.room)
        waiting.uids |= uids
        return uids

    def _offered(self, run: Run, uidvalidity: int, download: Download) -> Envelope:
        """The email as an event. One that was moved away and came back is stored, and left where it is."""
        meta, body = download.meta, download.body
        came_back = body is not None and self._known.departed.came(
            (run.folder, uidvalidity, meta.uid), body, meta.internal_date
        )
        if came_back:
            log.warning("mail_came_back", mailbox_id=run.mailbox.id, folder=run.folder, uid=meta.uid)
        return fetched(run, uidvalidity, download, untouched=came_back)
