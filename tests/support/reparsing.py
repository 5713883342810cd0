"""Reading kept documents again: asking for it, doing it, and what an older parser had left."""

import asyncio
from typing import Any

from parser.documents import ReadOptions
from parser.reparse.worker import Reparser
from parser.storage.transaction import AnnouncementOptions
from pipeline.contracts.questions import ReparseJob, ReparseOptions, ReparseRequest
from pipeline.postgres.connection import Database
from tests.support.fixtures_postgres import rows, values

TABLES = ("mail", "document", "report", "record", "tls_policy", "tls_failure", "failure_report", "outbox")


def new_reparser(postgres: Database) -> Reparser:
    announcements = AnnouncementOptions(max_rows=2, public_url="https://dmarq.example")
    return Reparser(postgres, options=ReadOptions(), announcements=announcements, committed=lambda: None)


async def asked(reparser: Reparser, **options: Any) -> ReparseJob:
    request = ReparseRequest(wish=ReparseOptions.model_validate(options), who="tester")
    return ReparseJob.model_validate_json(await reparser.ask(request.model_dump_json().encode()))


async def job_now(postgres: Database) -> ReparseJob:
    [job] = await rows(postgres, "SELECT * FROM reparse_job ORDER BY id DESC LIMIT 1")
    return ReparseJob.model_validate(job)


async def reparsed(reparser: Reparser, postgres: Database, **options: Any) -> dict[str, int]:
    """Asks, works until it is done, and gives the counts."""
    await asked(reparser, **options)
    while await reparser.work(asyncio.Event()):
        pass
    job = await job_now(postgres)
    assert job.finished_at is not None
    return {change.value: number for change, number in job.counts.items()}


async def everything(postgres: Database) -> dict[str, list[dict[str, Any]]]:
    return {name: sorted(await rows(postgres, f"SELECT * FROM {name}"), key=repr) for name in TABLES}


async def execute(postgres: Database, statement: str, *arguments: object) -> None:
    async with postgres.connection() as connection:
        await connection.execute(statement, *arguments)


async def as_if_refused(postgres: Database, uid: int) -> None:
    """The mail as a parser left it that could not read its only document."""
    [number] = await values(postgres, "SELECT document.id FROM document JOIN mail USING (mail_id) WHERE uid = $1", uid)
    await execute(postgres, "DELETE FROM record WHERE report = $1", number)
    await execute(postgres, "DELETE FROM report WHERE id = $1", number)
    await execute(
        postgres,
        "UPDATE document SET outcome = 'refused', reason = 'not_well_formed', detail = 'old', report = NULL, "
        "repairs = '{}', parser_version = '0' WHERE id = $1",
        number,
    )
    [line] = await values(postgres, "SELECT lines -> 0 FROM mail WHERE uid = $1", uid)
    line |= {"outcome": "refused", "reason": "not_well_formed", "detail": "old", "salvaged": {"report_id": "r-1"}}
    await execute(
        postgres,
        "UPDATE mail SET outcome = 'failed', reason = 'not_well_formed', detail = 'old', lines = $2, action = 'none', "
        "action_target = NULL, action_state = 'none' WHERE uid = $1",
        uid,
        [line],
    )
    await execute(postgres, "DELETE FROM outbox")
