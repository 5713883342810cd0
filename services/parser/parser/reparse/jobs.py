"""The jobs in their table: added, gone on with, finished."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg

from parser.storage import outbox
from pipeline.contracts.events import ActivityLogged
from pipeline.contracts.questions import Change, ReparseJob, ReparseOptions, ReparseRequest
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
