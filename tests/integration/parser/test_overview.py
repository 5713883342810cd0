"""The sums of the overview are those of the reports, whatever happens to the reports, folded or due."""

import asyncio
import gzip
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.reparse.worker import Reparser
from parser.storage.transaction import AnnouncementOptions
from parser.upkeep import drop_records, fold, months_to_come
from pipeline.contracts.questions import ReparseOptions, ReparseRequest
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted, mail_ref
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import BEGIN, END, METADATA, POLICY, RECORD, report_xml

DAY_S = 86_400
TRUTH = {
    "domain": """
        SELECT (begin AT TIME ZONE 'UTC')::date AS day, mailbox_id, domain, count(*) AS reports,
            sum(message_count) AS messages, sum(passed) AS passed, sum(quarantined) AS quarantined,
            sum(rejected) AS rejected, max("end") AS last_end
        FROM report WHERE kind = 'aggregate' AND NOT variant GROUP BY 1, 2, 3""",
    "reporter": """
        SELECT (begin AT TIME ZONE 'UTC')::date AS day, mailbox_id, org_name, count(*) AS reports,
            sum(message_count) AS messages, sum(passed) AS passed, max("end") AS last_end
        FROM report WHERE kind = 'aggregate' AND NOT variant GROUP BY 1, 2, 3""",
    "source": """
        SELECT (report.begin AT TIME ZONE 'UTC')::date AS day, mailbox_id, domain,
            coalesce(source_ip, '0.0.0.0/0') AS source_ip, sum(count) AS messages,
            coalesce(sum(count) FILTER (WHERE 'pass' IN (dkim, spf)), 0) AS passed, min(header_from) AS header_from
        FROM report JOIN record ON record.report = report.id
        WHERE kind = 'aggregate' AND NOT variant GROUP BY 1, 2, 3, 4""",
}
NOW = {
    "domain": """
        SELECT day, mailbox_id, domain, sum(reports) AS reports, sum(messages) AS messages, sum(passed) AS passed,
            sum(quarantined) AS quarantined, sum(rejected) AS rejected, max(last_end) AS last_end
        FROM overview_domain_now GROUP BY 1, 2, 3""",
    "reporter": """
        SELECT day, mailbox_id, org_name, sum(reports) AS reports, sum(messages) AS messages, sum(passed) AS passed,
            max(last_end) AS last_end
        FROM overview_reporter_now GROUP BY 1, 2, 3""",
    "source": """
        SELECT day, mailbox_id, domain, source_ip, sum(messages) AS messages, sum(passed) AS passed,
            min(header_from) AS header_from
        FROM overview_source_now GROUP BY 1, 2, 3, 4""",
}
MONTHS = """
    SELECT date_trunc('month', day::timestamp)::date AS month, source_ip, sum(messages) AS messages,
        sum(messages) FILTER (WHERE messages > 0) AS most
    FROM overview_source GROUP BY 1, 2"""
MONTHS_NOW = "SELECT month, source_ip, messages, most FROM overview_source_month"


def report(number: int, *, day: int = 0, domain: str = "example.com", org: str = "Example Receiver") -> str:
    """A report of its own, with `number` + 1 rows of which every other one failed."""
    begin, end = BEGIN + day * DAY_S, END + day * DAY_S
    metadata = METADATA.replace("r-1", f"r-{number}").replace("Example Receiver", org)
    metadata = metadata.replace(str(BEGIN), str(begin)).replace(str(END), str(end))
    failed = RECORD.replace("192.0.2.1", "192.0.2.2").replace("<dkim>pass", "<dkim>fail").replace("none", "reject")
    records = "".join(failed if place % 2 else RECORD for place in range(number + 1))
    policy = POLICY.replace("<domain>example.com", f"<domain>{domain}")
    return report_xml(metadata=metadata, policy=policy, records=records)


@pytest.fixture
def reparser(postgres: Database) -> Reparser:
    announcements = AnnouncementOptions(max_rows=2, public_url="")
    return Reparser(postgres, options=ReadOptions(), announcements=announcements, committed=lambda: None)


async def folded(postgres: Database) -> None:
    await fold(postgres, asyncio.Event())


async def all_due(postgres: Database) -> list[int]:
    return await values(postgres, "SELECT report FROM overview_due ORDER BY report")


async def agrees(postgres: Database) -> bool:
    """Whether sums and what is due are together what the reports say; it tells where they differ."""
    for name, truth in TRUTH.items():
        expected = sorted(await rows(postgres, truth), key=repr)
        found = sorted(await rows(postgres, NOW[name]), key=repr)
        assert found == expected, name
    assert sorted(await rows(postgres, MONTHS_NOW), key=repr) == sorted(await rows(postgres, MONTHS), key=repr)
    return True


async def reparse(reparser: Reparser) -> None:
    await reparser.ask(ReparseRequest(wish=ReparseOptions(), who="test").model_dump_json().encode())
    while await reparser.work(asyncio.Event()):
        pass


async def become(postgres: Database, uid: int, document: str) -> None:
    """As if the mail's document had always been this, and the parser read another one in it."""
    query = """UPDATE document SET bytes = $1
        FROM mail WHERE mail.mail_id = document.mail_id AND uid = $2 RETURNING id"""
    assert await values(postgres, query, gzip.compress(document.encode()), uid)


async def fill(parser: ParserHandler) -> None:
    await parser(
        [
            extracted(1, report(1)),
            extracted(2, report(2, org="Other"), report(3, day=1)),
            extracted(3, report(4, domain="example.org"), report(1)),  # the second one is a repeat
            extracted(4, report(5, org="x" * 4000), mail=mail_ref(4, mailbox_id="other")),
        ]
    )


async def test_a_new_report_is_due_and_counts_at_once(parser: ParserHandler, postgres: Database) -> None:
    await fill(parser)

    assert len(await all_due(postgres)) == 5
    assert await agrees(postgres)
    assert await values(postgres, "SELECT count(*) FROM overview_domain") == [0]


async def test_what_is_due_is_added_to_the_sums_once(parser: ParserHandler, postgres: Database) -> None:
    await fill(parser)

    await asyncio.gather(*(folded(postgres) for _ in range(3)))
    await folded(postgres)

    assert await all_due(postgres) == []
    assert await agrees(postgres)
    assert await values(postgres, "SELECT sum(reports) FROM overview_domain") == [5]


async def test_many_small_steps_come_to_the_same(parser: ParserHandler, postgres: Database) -> None:
    await fill(parser)

    steps = [await values(postgres, "SELECT fold_overview(1)") for _ in range(6)]

    assert steps == [[1], [1], [1], [1], [1], [0]]
    assert await agrees(postgres)


async def test_a_repeat_and_a_variant_add_nothing(parser: ParserHandler, postgres: Database) -> None:
    await fill(parser)
    await folded(postgres)

    await parser([extracted(11, report(1)), extracted(12, report(1).replace("<count>3", "<count>4"))])

    assert await values(postgres, "SELECT count(*) FROM report WHERE variant") == [1]
    assert await all_due(postgres) == []
    assert await agrees(postgres)


@pytest.mark.parametrize("is_folded", [True, False], ids=["folded", "due"])
async def test_a_report_that_is_read_otherwise_moves_to_its_new_day_and_names(
    parser: ParserHandler, reparser: Reparser, postgres: Database, is_folded: bool
) -> None:
    await fill(parser)
    if is_folded:
        await folded(postgres)
    await become(postgres, 1, report(7, day=35, domain="example.net", org="Renamed"))

    await reparse(reparser)

    assert await agrees(postgres)
    await folded(postgres)
    assert await agrees(postgres)
    assert "example.net" in await values(postgres, "SELECT domain FROM overview_domain")


@pytest.mark.parametrize("is_folded", [True, False], ids=["folded", "due"])
async def test_a_variant_takes_the_place_of_the_first_one_when_that_goes(
    parser: ParserHandler, reparser: Reparser, postgres: Database, is_folded: bool
) -> None:
    await fill(parser)
    await parser([extracted(12, report(1).replace("<count>3", "<count>4"))])
    if is_folded:
        await folded(postgres)
    await become(postgres, 1, report(9))

    await reparse(reparser)

    assert await values(postgres, "SELECT count(*) FROM report WHERE variant") == [0]
    assert await agrees(postgres)
    await folded(postgres)
    assert await agrees(postgres)


async def test_a_report_that_turns_out_to_repeat_another_counts_once(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await fill(parser)
    await folded(postgres)
    await become(postgres, 1, report(4, domain="example.org"))

    await reparse(reparser)

    assert await values(postgres, "SELECT count(*) FROM report") == [4]
    assert await agrees(postgres)


async def test_sums_hold_while_everybody_writes_at_once(
    parser: ParserHandler, second_parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(uid, report(uid)) for uid in range(1, 21)])
    for uid in range(1, 21):
        await become(postgres, uid, report(uid + 100, day=20 * (uid % 3)))
    finished = asyncio.Event()

    async def store(parser: ParserHandler, first: int) -> None:
        for uid in range(first, first + 40, 4):
            await parser(
                [extracted(number, report(number % 30, day=20 * (number % 3))) for number in range(uid, uid + 4)]
            )

    async def folding() -> None:
        while not finished.is_set():
            await folded(postgres)
            await asyncio.sleep(0)

    folder = asyncio.create_task(folding())
    await asyncio.gather(store(parser, 1000), store(second_parser, 2000), reparse(reparser))
    finished.set()
    await folder

    assert await agrees(postgres)
    await folded(postgres)
    assert await all_due(postgres) == []
    assert await agrees(postgres)


async def test_rows_that_are_no_longer_kept_leave_the_sums_by_source(parser: ParserHandler, postgres: Database) -> None:
    days_since = (int(datetime.now(UTC).timestamp()) - BEGIN) // DAY_S
    await parser([extracted(1, report(1)), extracted(2, report(2, day=days_since))])
    await folded(postgres)
    await parser([extracted(3, report(3))])

    await drop_records(postgres, months=2)

    assert await values(postgres, "SELECT count(*) FROM record") == [3]
    assert await values(postgres, "SELECT count(*) FROM report") == [3]
    assert await agrees(postgres)
    await folded(postgres)
    assert await agrees(postgres)
    partitions = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'record'::regclass"
    assert "record_2023_11" not in await values(postgres, partitions)


async def test_the_upgrade_adds_up_the_months_that_are_stored(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report(1)), extracted(2, report(2, day=35))])
    await folded(postgres)
    upgrade = (files("pipeline.postgres.migrations") / "0042_overview_source_month.sql").read_text(encoding="utf-8")
    async with postgres.connection() as connection:
        await connection.execute("TRUNCATE overview_source_month")
        await connection.execute(upgrade.partition("IN SHARE ROW EXCLUSIVE MODE;")[2].partition("CREATE TRIGGER")[0])

    assert await values(postgres, "SELECT count(DISTINCT month) FROM overview_source_month") == [2]
    assert await agrees(postgres)


def test_the_months_to_come_go_over_the_end_of_the_year() -> None:
    first = [(month.year, month.month) for month in months_to_come(datetime(2026, 11, 30, tzinfo=UTC))]
    assert first == [(2026, 11), (2026, 12), (2027, 1)]
