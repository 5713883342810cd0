"""One fetch run: what is new in the folder is filtered, measured, downloaded and published; then the cursor moves.

The next batch is downloaded while the one before it is being published. The cursor moves only over mails that the
broker has confirmed, or that the filters pass over. However many mails are new, only their UIDs are held; everything
else is asked for a window at a time, so that the first mails are on their way long before the last is looked at.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from fetcher.downloads import Batch, Download, Stretch, downloads, stretches
from fetcher.imap import ImapFault, ImapSession
from fetcher.pace import Pace
from fetcher.reconcile import Reconciliation
from fetcher.run import Run
from fetcher.search import criteria_for
from pipeline.adapters.bus import Bus
from pipeline.adapters.cursors import Bookmark, CursorBucket
from pipeline.connection import Category
from pipeline.cursor import Cursor, above, advanced, start_of
from pipeline.errors import TryLater, leaves
from pipeline.events import MailFetched
from pipeline.limits import Limits
from pipeline.mail import MailRef
from pipeline.mailbox import Filters
from pipeline.stopping import pause
from pipeline.waiting import wait_for
from pipeline.wire import Envelope, Parcel

BATCHES_AHEAD = 1
WINDOW_MAILS = 2000  # searched at once: a search in many texts takes a server long
STRAIN = frozenset((Category.THROTTLED, Category.TIMEOUT))


@dataclass(frozen=True, slots=True)
class _News:
    """The UIDs to look at, rising: those above the cursor, and what reconciliation found below it."""

    cursor: Cursor
    stored: Bookmark
    uids: list[int]


class Poll:
    """Fetches what is new in one mailbox's folder."""

    def __init__(
        self,
        *,
        bus: Bus,
        limits: Limits,
        pace: Pace,
        reconciliation: Reconciliation,
        stopping: asyncio.Event,
        turn_over: Callable[[], bool],
    ) -> None:
        self._bus = bus
        self._cursors = CursorBucket(bus.js)
        self._limits = limits
        self._pace = pace
        self._reconciliation = reconciliation
        self._stopping = stopping
        self._turn_over = turn_over

    async def run(self, session: ImapSession, run: Run) -> bool:
        """One look into the folder; `run` counts what was published.

        Ends after the batch in hand when told to stop, and when the session is wanted by somebody else: then it gives
        False. Raises ImapFault; TryLater while the cursor cannot be read or moved, or when told to stop while the
        broker is away.
        """
        try:
            news = await self._news(session, run)
            run.found(len(news.uids))
            return not news.uids or await self._transferred(session, run, news)
        except ImapFault as fault:
            if fault.category in STRAIN:
                self._pace.went_badly()
            raise

    async def _transferred(self, session: ImapSession, run: Run, news: _News) -> bool:
        whole = True
        ready: asyncio.Queue[Batch | None] = asyncio.Queue(BATCHES_AHEAD)
        try:
            async with asyncio.TaskGroup() as group, aclosing(self._batches(session, run, news)) as batches:
                group.create_task(self._publish_all(ready, run, news))
                async for batch in batches:
                    await ready.put(batch)
                    if self._stopping.is_set() or self._turn_over():
                        whole = False
                        break
                await ready.put(None)
        except BaseExceptionGroup as together:
            raise leaves(together)[0] from None
        return whole

    async def _news(self, session: ImapSession, run: Run) -> _News:
        filters = run.mailbox.settings.filters
        selected = await session.select(run.folder)
        stored = await self._cursors.get(run.mailbox.id, run.folder)
        cursor = start_of(stored.cursor, uidvalidity=selected.uidvalidity, filters=filters)
        everything = criteria_for(Filters(), now=run.started_at, after_uid=cursor.last_uid)
        new = above(cursor, await session.search(everything))
        return _News(cursor, stored, [*await self._reconciliation.unsettled(session, run, cursor), *new])

    async def _batches(self, session: ImapSession, run: Run, news: _News) -> AsyncGenerator[Batch, None]:
        filters = run.mailbox.settings.filters
        async with aclosing(self._stretches(session, run, news)) as all_stretches:
            async for stretch in all_stretches:
                async with aclosing(downloads(session, stretch, filters, limits=self._limits)) as arriving:
                    async for batch in arriving:
                        yield batch
                self._pace.went_well(len(stretch.uids), asyncio.get_running_loop().time())

    async def _stretches(self, session: ImapSession, run: Run, news: _News) -> AsyncGenerator[Stretch, None]:
        """All that is new, as fast as the pace allows; ends early when told to stop."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(news.uids), WINDOW_MAILS):
            window = news.uids[start : start + WINDOW_MAILS]
            wanted = await self._fitting(session, run, window)
            for stretch in stretches(window, wanted, mails=lambda: max(1, self._pace.mails(loop.time()))):
                while (wait_s := self._pace.wait_s(loop.time())) > 0 and not self._stopping.is_set():
                    await pause(self._stopping, wait_s)
                if self._stopping.is_set():
                    return
                yield stretch

    async def _fitting(self, session: ImapSession, run: Run, window: Sequence[int]) -> frozenset[int]:
        """The UIDs that the server finds to fit the filters. New mails are searched first, without any: a mail that
        comes between two searches must not seem to be passed over."""
        filters = run.mailbox.settings.filters
        if filters == Filters():
            return frozenset(window)
        criteria = criteria_for(filters, now=run.started_at, after_uid=window[0] - 1, up_to_uid=window[-1])
        return frozenset(await session.search(criteria))

    async def _publish_all(self, ready: "asyncio.Queue[Batch | None]", run: Run, news: _News) -> None:
        cursor, stored = news.cursor, news.stored
        while (batch := await ready.get()) is not None:
            await self._publish([_fetched(run, cursor, download) for download in batch.downloads])
            cursor = advanced(cursor, batch.up_to_uid)
            stored = await self._cursors.put(run.mailbox.id, run.folder, cursor, after=stored)
            run.count(batch)

    async def _publish(self, envelopes: list[Envelope]) -> None:
        """Confirmed by the broker, however long it is full or away: this is the back-pressure."""
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._bus.publish(envelopes)
            except TryLater as error:
                if self._stopping.is_set():
                    raise
                await wait_for(error, attempt=attempt, stopping=self._stopping)
            else:
                return


def _fetched(run: Run, cursor: Cursor, download: Download) -> Envelope:
    mail = MailRef.of(
        mailbox_id=run.mailbox.id,
        folder=run.folder,
        uidvalidity=cursor.uidvalidity,
        uid=download.meta.uid,
    )
    event = MailFetched(
        mail=mail,
        handling=run.mailbox.handling(),
        size=download.meta.size,
        internal_date=download.meta.internal_date,
        fetched_at=datetime.now(UTC),
        run_id=run.id,
        refused=download.refused,
        subject_line=download.subject,
        from_address=download.sender,
    )
    return Envelope(event, () if download.body is None else (Parcel.of(download.body),))
