"""One fetch run: what is new in the folder is filtered, measured, downloaded and published; then the cursor moves.

The next batch is downloaded while the one before it is being published. The cursor moves only over mails that the
broker has confirmed, or that the filters pass over.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from fetcher.downloads import Batch, Download, downloads, stretches
from fetcher.imap import ImapSession
from fetcher.run import Run
from fetcher.search import criteria_for
from pipeline.adapters.bus import Bus
from pipeline.adapters.cursors import Bookmark, CursorBucket
from pipeline.cursor import Cursor, above, advanced, start_of
from pipeline.errors import TryLater, leaves
from pipeline.events import MailFetched
from pipeline.limits import Limits
from pipeline.mail import MailRef
from pipeline.mailbox import Filters
from pipeline.waiting import wait_for
from pipeline.wire import Envelope, Parcel

BATCHES_AHEAD = 1


@dataclass(frozen=True, slots=True)
class _News:
    """The UIDs above the cursor, and those among them that the server found to fit the filters."""

    cursor: Cursor
    stored: Bookmark
    uids: list[int]
    wanted: frozenset[int]


class Poll:
    """Fetches what is new in one mailbox's folder."""

    def __init__(self, *, bus: Bus, cursors: CursorBucket, limits: Limits, stopping: asyncio.Event) -> None:
        self._bus = bus
        self._cursors = cursors
        self._limits = limits
        self._stopping = stopping

    async def run(self, session: ImapSession, run: Run) -> None:
        """One look into the folder. Ends after the batch in hand when told to stop; `run` counts what was published.

        Raises ImapFault; TryLater while the cursor cannot be read or moved, or when told to stop while the broker is
        away.
        """
        news = await self._news(session, run)
        run.found(len(news.uids))
        if not news.uids:
            return
        ready: asyncio.Queue[Batch | None] = asyncio.Queue(BATCHES_AHEAD)
        try:
            async with asyncio.TaskGroup() as group, aclosing(self._batches(session, run, news)) as batches:
                group.create_task(self._publish_all(ready, run, news))
                async for batch in batches:
                    await ready.put(batch)
                    if self._stopping.is_set():
                        break
                await ready.put(None)
        except BaseExceptionGroup as together:
            raise leaves(together)[0] from None

    async def _news(self, session: ImapSession, run: Run) -> _News:
        """All new mails are searched first: a mail that comes between two searches must not seem to be passed over."""
        settings = run.mailbox.settings
        selected = await session.select(settings.folder)
        stored = await self._cursors.get(run.mailbox.id, settings.folder)
        cursor = start_of(stored.cursor, uidvalidity=selected.uidvalidity, filters=settings.filters)
        new = above(
            cursor, await session.search(criteria_for(Filters(), now=run.started_at, after_uid=cursor.last_uid))
        )
        if not new or settings.filters == Filters():
            return _News(cursor, stored, new, frozenset(new))
        criteria = criteria_for(settings.filters, now=run.started_at, after_uid=cursor.last_uid, up_to_uid=new[-1])
        return _News(cursor, stored, new, frozenset(await session.search(criteria)))

    async def _batches(self, session: ImapSession, run: Run, news: _News) -> AsyncGenerator[Batch, None]:
        for stretch in stretches(news.uids, news.wanted):
            arriving = downloads(session, stretch, run.mailbox.settings.filters, limits=self._limits)
            async with aclosing(arriving):
                async for batch in arriving:
                    yield batch

    async def _publish_all(self, ready: "asyncio.Queue[Batch | None]", run: Run, news: _News) -> None:
        cursor, stored = news.cursor, news.stored
        while (batch := await ready.get()) is not None:
            await self._publish([_fetched(run, cursor, download) for download in batch.downloads])
            cursor = advanced(cursor, batch.up_to_uid)
            stored = await self._cursors.put(run.mailbox.id, run.mailbox.settings.folder, cursor, after=stored)
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
        folder=run.mailbox.settings.folder,
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
