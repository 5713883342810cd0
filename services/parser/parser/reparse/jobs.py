"""The jobs in their table: added, gone on with, finished; and the kept documents that they go through, each with as
much of its mail's event as the ledger remembers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg

from parser.storage import outbox
from pipeline.contracts.events import ActivityLogged
from pipeline.contracts.mail import DocumentFormat, DocumentInfo, LineOutcome, MailRef
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.mailbox import Handling
from pipeline.contracts.questions import Change, ReparseJob, ReparseOptions, ReparseRequest
from pipeline.contracts.repairs import Repair
from pipeline.contracts.wire import Envelope, encode
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

REPARSE = Statements.of("parser.reparse")

SOURCE = "reparse"
MAILBOX_ID = "all"  # of the line in the activity log: a job is about no mailbox in particular


@dataclass(frozen=True, slots=True)
class Job:
    """A job, and where it stands: behind document `position`, before those after `last`."""

    view: ReparseJob
    position: int
    last: int


async def add(connection: Connection, request: ReparseRequest) -> Job:
    """A new job for this request."""
    found = await connection.fetchrow(REPARSE["count_documents"], *_filters(request.wish))
    documents, last = (found["documents"], found["last"]) if found else (0, 0)
    row = await connection.fetchrow(
        REPARSE["add_job"], request.wish.model_dump(mode="json"), request.who, documents, last
    )
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return _job(row)


async def oldest(connection: Connection) -> Job | None:
    """The job to go on with."""
    row = await connection.fetchrow(REPARSE["open_job"])
    return None if row is None else _job(row)


async def next_documents(connection: Connection, job: Job, limit: int) -> Sequence[int]:
    """The numbers of the documents that come next."""
    filters = _filters(job.view.wish)
    rows = await connection.fetch(REPARSE["next_documents"], *filters, job.position, job.last, limit)
    return [row["id"] for row in rows]


async def hold(connection: Connection, job: Job) -> Job | None:
    """The job for this transaction alone; None when another parser has gone on with it."""
    row = await connection.fetchrow(REPARSE["hold_job"], job.view.id, job.position)
    return None if row is None else _job(row)


async def note(connection: Connection, job: Job, *, document: int, change: Change | None) -> Job:
    """One more document is done; None for one that is not what was asked for."""
    counts = dict(job.view.counts)
    if change is not None:
        counts[change] = counts.get(change, 0) + 1
    await connection.execute(REPARSE["note_progress"], job.view.id, document, counts)
    return Job(job.view.model_copy(update={"counts": counts}), document, job.last)


async def finish(connection: Connection, job: Job) -> None:
    """The job is finished, and the activity log says so."""
    row = await connection.fetchrow(REPARSE["finish_job"], job.view.id)
    if row is None:
        return  # another parser was faster
    view = _job(row).view
    line = ActivityLogged(
        id=uuid4().hex,
        mailbox_id=MAILBOX_ID,
        source=SOURCE,
        name="reparse_finished",
        text=f"{view.who} had {view.done} documents read again" + (" (dry run)" if view.wish.dry_run else ""),
        data={change.value: number for change, number in view.counts.items()},
        at=datetime.now(UTC),
    )
    await outbox.put(connection, [encode(Envelope(line))])


def _filters(options: ReparseOptions) -> tuple[Any, ...]:
    reason = None if options.reason is None else options.reason.value
    return options.since, options.until, options.domain, reason, options.parser_version


def _job(row: asyncpg.Record) -> Job:
    view = ReparseJob(
        id=row["id"],
        wish=ReparseOptions.model_validate(row["wish"]),
        who=row["who"],
        documents=row["documents"],
        counts=row["counts"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
    return Job(view, row["position"], row["last"])


_READERS_REPAIRS = frozenset(Repair) - {Repair.ONE_OF_SEVERAL}


@dataclass(frozen=True, slots=True)
class Kept:
    """`info.repairs` were made before there was a document: by the extractor, or to a file with several reports."""

    number: int
    info: DocumentInfo
    data: bytes
    event: MailExtracted
    stored_at: datetime
    outcome: LineOutcome
    reason: str | None
    detail: str
    parser_version: str


async def kept(connection: Connection, number: int) -> Kept | None:
    """The document with this number; None when it or its bytes are gone."""
    row = await connection.fetchrow(REPARSE["kept_document"], number)
    if row is None:
        return None
    by_readers = _READERS_REPAIRS.union(row["report_repairs"] or ())
    info = DocumentInfo(
        path=row["path"],
        name=row["name"],
        format=DocumentFormat(row["format"]),
        size=row["size"],
        sha256=row["sha256"].hex(),
        cargo=0,
        repairs=tuple(repair for repair in row["repairs"] if repair not in by_readers),
    )
    event = MailExtracted(
        mail=MailRef(
            mail_id=row["mail_id"].hex,
            mailbox_id=row["mailbox_id"],
            folder=row["folder"],
            uidvalidity=row["uidvalidity"],
            uid=row["uid"],
        ),
        handling=Handling(settings_version=row["settings_version"]),
        size=row["mail_size"],
        fetched_at=row["fetched_at"],
        from_address=row["from_address"],
        documents=(info,),
    )
    return Kept(
        number=number,
        info=info,
        data=row["bytes"],
        event=event,
        stored_at=row["stored_at"],
        outcome=LineOutcome(row["outcome"]),
        reason=row["reason"],
        detail=row["detail"],
        parser_version=row["parser_version"],
    )
