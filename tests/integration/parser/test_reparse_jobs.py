"""A job of reading again: which documents it reads, by how many parsers, and across their ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from parser.handler import ParserHandler
from parser.reparse.worker import Reparser
from parser.upkeep import drop_records
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import values
from tests.support.reparsing import as_if_refused, asked, everything, execute, job_now, new_reparser, reparsed
from tests.support.reports import changed, report_xml


async def test_a_dry_run_says_what_would_change_and_changes_nothing(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser(
        [extracted(1, report_xml()), extracted(2, changed("r-1", "two")), extracted(3, changed("r-1", "three"))]
    )
    await as_if_refused(postgres, 1)
    await execute(postgres, "UPDATE report SET passed = 77 WHERE report_id = 'two'")
    before = await everything(postgres)

    assert await reparsed(reparser, postgres, dry_run=True) == {"new": 1, "changed": 1, "same": 1}

    lines = "SELECT id FROM outbox WHERE subject = 'event.all.activity'"
    await execute(postgres, f"DELETE FROM outbox WHERE id IN ({lines})")
    assert await everything(postgres) == before
    assert await reparsed(reparser, postgres) == {"new": 1, "changed": 1, "same": 1}


async def test_the_options_narrow_what_is_read(parser: ParserHandler, reparser: Reparser, postgres: Database) -> None:
    other = changed("<domain>example.com</domain><adkim>", "<domain>example.org</domain><adkim>")
    await parser([extracted(1, report_xml()), extracted(2, other), extracted(3, report_xml()[:-300])])
    await execute(postgres, "UPDATE document SET parser_version = '0' WHERE outcome = 'refused'")
    now = datetime.now(UTC)

    async def read(**options: Any) -> dict[str, int]:
        return await reparsed(reparser, postgres, dry_run=True, **options)

    assert await read(domain="example.org") == {"same": 2}  # the refused one is of any domain
    assert await read(reason="records_lost") == {"same": 1}
    assert await read(parser_version="0") == {"same": 1}
    assert await read(since=now + timedelta(hours=1)) == {}
    assert await read(until=now + timedelta(hours=1)) == {"same": 3}


async def test_a_document_of_another_domain_than_asked_for_stays_refused(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])
    await as_if_refused(postgres, 1)

    assert await reparsed(reparser, postgres, domain="example.org") == {}
    assert await values(postgres, "SELECT outcome FROM document") == ["refused"]
    assert await reparsed(reparser, postgres, domain="example.com") == {"new": 1}


async def test_a_job_goes_on_where_it_was_left(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(uid, changed("r-1", f"r-{uid}")) for uid in range(1, 8)])
    first = new_reparser(postgres)
    job = await asked(first)
    stopping = asyncio.Event()

    async def stop_soon() -> None:
        while not (await job_now(postgres)).done:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        stopping.set()

    await asyncio.gather(first.run(stopping), stop_soon())
    assert 0 < (await job_now(postgres)).done <= 7

    second = new_reparser(postgres)
    while await second.work(asyncio.Event()):
        pass

    after = await job_now(postgres)
    assert (after.id, after.done, after.counts) == (job.id, 7, {"same": 7})


async def test_several_parsers_share_a_job_and_each_document_is_done_once(
    parser: ParserHandler, postgres: Database
) -> None:
    await parser([extracted(uid, changed("r-1", f"r-{uid}")) for uid in range(1, 21)])
    for uid in range(1, 21):
        await as_if_refused(postgres, uid)
    reparsers = [new_reparser(postgres) for _ in range(3)]
    await asked(reparsers[0])

    async def work(one: Reparser) -> None:
        while await one.work(asyncio.Event()):
            pass

    await asyncio.gather(*map(work, reparsers))

    assert (await job_now(postgres)).counts == {"new": 20}
    assert await values(postgres, "SELECT count(*) FROM report") == [20]
    assert await values(postgres, "SELECT count(*) FROM outbox WHERE subject LIKE 'report.stored.%'") == [20]
    assert await values(postgres, "SELECT count(*) FROM outbox WHERE subject LIKE 'event.%'") == [1]


async def test_duplicates_and_forgotten_documents_are_passed_over(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml()), extracted(2, report_xml()), extracted(3, changed("r-1", "old"))])
    await execute(
        postgres, "UPDATE document SET bytes = NULL WHERE report IN (SELECT id FROM report WHERE report_id = 'old')"
    )

    assert await reparsed(reparser, postgres) == {"same": 1}


async def test_rows_whose_month_is_no_longer_kept_do_not_come_back(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])
    await execute(postgres, "DELETE FROM outbox")
    await drop_records(postgres, months=1)
    counts = await reparsed(reparser, postgres)

    assert counts == {"same": 1}
    assert await values(postgres, "SELECT count(*) FROM record") == [0]
    assert await values(postgres, "SELECT subject FROM outbox WHERE subject LIKE 'report.%'") == []
