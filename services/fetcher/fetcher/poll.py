"""One fetch run: what is new in the folder is filtered, measured, downloaded and published; then the cursor moves.

The next batch is downloaded while the one before it is being published. The cursor moves only over mails that the
broker has confirmed, or that the filters pass over.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from fetcher.downloads import Batch, Download, downloads
from fetcher.imap import ImapSession
from fetcher.search import criteria_for
from pipeline.adapters.bus import Bus
from pipeline.adapters.cursors import CursorBucket
from pipeline.cursor import Cursor, above, advanced, start_of
from pipeline.errors import TryLater, leaves
from pipeline.events import FetchRunFinished, FetchTrigger, MailFetched
from pipeline.limits import Limits
from pipeline.mail import MailRef
from pipeline.mailbox import Filters, Mailbox
from pipeline.stopping import pause
from pipeline.telemetry.metrics import FETCHED_BYTES, FETCHED_MAILS, FILTERED_MAILS
from pipeline.wire import Envelope, Parcel

log = structlog.get_logger(__name__)

BATCHES_AHEAD = 2
FULL_DELAY = 0.5  # seconds between tries while the broker is full or away


@dataclass(slots=True)
class Run:
    """The figures of a fetch run, as they grow."""

    mailbox: Mailbox
    trigger: FetchTrigger
    id: str = field(default_factory=lambda: uuid4().hex)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seen: int = 0
    filtered: int = 0
    fetched: int = 0
    fetched_bytes: int = 0

    def finished(self, *, category: str = "ok", detail: str = "") -> FetchRunFinished:
        """The run as an event."""
        return FetchRunFinished(
            mailbox_id=self.mailbox.id,
            run_id=self.id,
            folder=self.mailbox.settings.folder,
            trigger=self.trigger,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            seen=self.seen,
            filtered=self.filtered,
            fetched=self.fetched,
            fetched_bytes=self.fetched_bytes,
            category=category,
            detail=detail[:500],
        )

    def count(self, batch: Batch) -> None:
        """Adds a batch that is published and below the cursor."""
        self.filtered += batch.filtered
        self.fetched += len(batch.downloads)
        size = sum(download.meta.size for download in batch.downloads)
        self.fetched_bytes += size
        FETCHED_MAILS.labels(self.mailbox.id).inc(len(batch.downloads))
        FETCHED_BYTES.labels(self.mailbox.id).inc(size)
        FILTERED_MAILS.labels(self.mailbox.id).inc(batch.filtered)


class Poll:
    """Fetches what is new in one mailbox's folder."""

    def __init__(self, *, bus: Bus, cursors: CursorBucket, limits: Limits, stopping: asyncio.Event) -> None:
        self._bus = bus
        self._cursors = cursors
        self._limits = limits
        self._stopping = stopping

    async def run(self, session: ImapSession, run: Run) -> None:
        """One look into the folder. Raises ImapFault, and TryLater when told to stop while the broker is away.

        What was counted in `run` is published and stays. Stops after the batch in hand when told to.
        """
        settings = run.mailbox.settings
        selected = await session.select(settings.folder)
        stored = await self._cursors.get(run.mailbox.id, settings.folder)
        cursor = start_of(stored, uidvalidity=selected.uidvalidity, filters=settings.filters)
        criteria = criteria_for(settings.filters, now=run.started_at, after_uid=cursor.last_uid)
        found = above(cursor, await session.search(criteria))
        everything = criteria_for(Filters(), now=run.started_at, after_uid=cursor.last_uid)
        new = found if criteria == everything else above(cursor, await session.search(everything))
        run.seen = len(new)
        run.filtered = len(set(new).difference(found))
        if not new:
            return
        await self._transfer(session, run, cursor, found)
        if not self._stopping.is_set():
            await self._move(run.mailbox, advanced(cursor, new[-1]))

    async def _transfer(self, session: ImapSession, run: Run, cursor: Cursor, uids: list[int]) -> None:
        ready: asyncio.Queue[Batch | None] = asyncio.Queue(BATCHES_AHEAD)
        arriving = downloads(session, uids, run.mailbox.settings.filters, limits=self._limits)
        try:
            async with asyncio.TaskGroup() as group, aclosing(arriving):
                group.create_task(self._publish_all(ready, run, cursor))
                async for batch in arriving:
                    await ready.put(batch)
                    if self._stopping.is_set():
                        break
                await ready.put(None)
        except BaseExceptionGroup as together:
            raise leaves(together)[0] from None

    async def _publish_all(self, ready: "asyncio.Queue[Batch | None]", run: Run, cursor: Cursor) -> None:
        while (batch := await ready.get()) is not None:
            await self._publish([_fetched(run, cursor, download) for download in batch.downloads])
            cursor = advanced(cursor, batch.up_to_uid)
            await self._move(run.mailbox, cursor)
            run.count(batch)

    async def _publish(self, envelopes: list[Envelope]) -> None:
        """Confirmed by the broker, however long it is full or away: this is the back-pressure."""
        while True:
            try:
                await self._bus.publish(envelopes)
            except TryLater as error:
                if self._stopping.is_set():
                    raise
                log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200])
                await pause(self._stopping, FULL_DELAY)
            else:
                return

    async def _move(self, mailbox: Mailbox, cursor: Cursor) -> None:
        await self._cursors.put(mailbox.id, mailbox.settings.folder, cursor)


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
