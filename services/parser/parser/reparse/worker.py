"""Goes through the documents of a job in the background, each in a transaction of its own.

What was done and how far the job has come are committed together, so a job goes on after a stop or a crash exactly
where it was; and several parsers may work on the same job: whoever commits a document first has done it.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import structlog

from parser.announcement import announcement
from parser.documents import Document, ReadOptions, read_document
from parser.reparse import jobs
from parser.reparse.jobs import Job, Kept, kept
from parser.reparse.settle import settle
from parser.storage import outbox
from parser.storage.records import Partitions
from parser.storage.reports import StoredReport
from parser.storage.tables import moment
from parser.storage.transaction import AnnouncementOptions
from pipeline.contracts.questions import Change, ReparseRequest
from pipeline.contracts.wire import Wire
from pipeline.errors import TryLater, described
from pipeline.postgres.connection import Database
from pipeline.runtime.retry import pause, persist_unless_stopped, unless

log = structlog.get_logger(__name__)

LOOK_AHEAD = 100  # documents whose numbers are asked for at a time
IDLE = 5.0  # seconds after which it looks for a job by itself, for one that another parser left


class Reparser:
    """Takes jobs and works on them, one after the other."""

    def __init__(
        self,
        database: Database,
        *,
        options: ReadOptions,
        announcements: AnnouncementOptions,
        committed: Callable[[], None],
    ) -> None:
        self._database = database
        self._options = options
        self._announcements = announcements
        self._committed = committed
        self._partitions = Partitions(database)
        self._woken = asyncio.Event()

    async def ask(self, payload: bytes) -> bytes:
        """Answers a request on `parser.reparse` with the job that it became. Raises TryLater, ValidationError."""
        request = ReparseRequest.model_validate_json(payload)
        async with self._database.transaction() as connection:
            job = await jobs.add(connection, request)
        log.info("reparse_asked_for", job=job.view.id, documents=job.view.documents, dry_run=request.wish.dry_run)
        self._woken.set()
        return job.view.model_dump_json().encode()

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until told to stop, and then ends after the document in hand."""
        while not stopping.is_set():
            if not await persist_unless_stopped(partial(self.work, stopping), stopping):
                await self._rest(stopping)

    async def work(self, stopping: asyncio.Event) -> bool:
        """Some documents of the oldest job; False when there is none. Raises TryLater."""
        self._woken.clear()
        async with self._database.connection() as connection:
            job = await jobs.oldest(connection)
            numbers = await jobs.next_documents(connection, job, LOOK_AHEAD) if job else ()
        if job is None:
            return False
        if not numbers:
            async with self._database.transaction() as connection:
                await jobs.finish(connection, job)
            self._committed()
            return True
        for number in numbers:
            if stopping.is_set():
                break
            following = await self._document(job, number)
            if following is None:
                break  # another parser has gone on with the job
            job = following
        return True

    async def _document(self, job: Job, number: int) -> Job | None:
        """Reads one document and commits what follows; gives the job as it stands then."""
        async with self._database.connection() as connection:
            found = await kept(connection, number)
        if found is None:
            return await self._commit(job, number, None, None)
        try:
            document = await asyncio.to_thread(_read, found, self._options)
            with document:
                return await self._commit(job, number, found, document)
        except TryLater:
            raise
        except Exception as error:  # noqa: BLE001 a bug with one document must not end the job, nor the service
            log.error("reparse_failed", job=job.view.id, document=number, error=described(error))
            return await self._pass_over(job, number)

    async def _commit(self, job: Job, number: int, found: Kept | None, document: Document | None) -> Job | None:
        if document is not None and document.reading is not None:
            await self._partitions.ensure([moment(document.reading.report.begin)])
        async with self._database.transaction() as connection:
            held = await jobs.hold(connection, job)
            if held is None:
                return None
            if found is None or document is None or not _is_wanted(job, document):
                return await jobs.note(connection, held, document=number, change=None)
            settled = await settle(connection, found, document, dry_run=job.view.wish.dry_run)
            if settled is not None:
                await outbox.put(connection, [self._announcement(report) for report in settled.announced])
            following = await jobs.note(connection, held, document=number, change=settled.change if settled else None)
        self._committed()
        return following

    async def _pass_over(self, job: Job, number: int) -> Job | None:
        async with self._database.transaction() as connection:
            held = await jobs.hold(connection, job)
            return held and await jobs.note(connection, held, document=number, change=Change.BROKEN)

    def _announcement(self, report: StoredReport) -> Wire:
        options = self._announcements
        return announcement(
            report,
            max_rows=options.max_rows,
            public_url=options.public_url,
            at=datetime.now(UTC),
            names=options.names,
        )

    async def _rest(self, stopping: asyncio.Event) -> None:
        await unless(pause(stopping, IDLE), self._woken)


def _read(found: Kept, options: ReadOptions) -> Document:
    return read_document(
        found.info, found.data, from_domain=found.event.from_address.rpartition("@")[2], options=options
    )


def _is_wanted(job: Job, document: Document) -> bool:
    """A refused document's domain is known only once it was read."""
    domain = job.view.wish.domain
    if domain is None or document.reading is None:
        return True
    return domain in document.reading.report.domain.split(",")
