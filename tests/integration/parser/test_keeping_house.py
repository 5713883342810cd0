"""Partitions are made when they are needed; what is kept for a time is forgotten after it."""

import asyncio
from datetime import UTC, datetime

from parser.handler import ParserHandler
from parser.storage.records import Partitions
from parser.upkeep import forget
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import changed, report_xml

MONTH = datetime(2024, 2, 10, tzinfo=UTC)
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'record'::regclass ORDER BY 1"


async def test_several_parsers_make_a_partition_at_once_and_it_is_there_once(postgres: Database) -> None:
    await asyncio.gather(*(Partitions(postgres).ensure([MONTH, MONTH]) for _ in range(3)))

    assert await values(postgres, PARTITIONS) == ["record_2024_02", "record_default"]


async def test_a_partition_ends_where_the_next_month_begins(postgres: Database) -> None:
    await Partitions(postgres).ensure([datetime(2023, 12, 31, 23, tzinfo=UTC)])

    bound = "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = $1"
    bounds = await values(postgres, bound, "record_2023_12")
    assert bounds == ["FOR VALUES FROM ('2023-12-01 00:00:00+00') TO ('2024-01-01 00:00:00+00')"]


async def test_a_month_that_the_default_partition_holds_already_stays_there(
    parser: ParserHandler, postgres: Database
) -> None:
    await rows(
        postgres, "INSERT INTO record (report, begin, position, count) VALUES (1, '2023-11-20', 0, 1) RETURNING 1"
    )

    assert await parser([extracted(1, report_xml())]) == [[]]
    assert await values(postgres, PARTITIONS) == ["record_default"]
    assert await values(postgres, "SELECT count(*) FROM record_default") == [2]


async def test_old_document_bytes_are_forgotten_and_the_facts_stay(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml()), extracted(2, changed("r-1", "r-2"))])
    await rows(
        postgres, "UPDATE document SET stored_at = now() - interval '11 days' WHERE id = (SELECT min(id) FROM document)"
    )

    await forget(postgres, asyncio.Event(), statement="forget_documents", days=10)

    assert await values(postgres, "SELECT bytes IS NULL FROM document ORDER BY id") == [True, False]
    assert await values(postgres, "SELECT count(*) FROM report") == [2]


async def test_old_activity_is_deleted(postgres: Database) -> None:
    insert = (
        "INSERT INTO activity (id, mailbox_id, source, name, level, text, at) "
        "SELECT n::text, 'box', 'imap', 'x', 'info', '', now() - n * interval '1 day' FROM generate_series(1, 5) AS n"
    )
    await rows(postgres, insert)

    await forget(postgres, asyncio.Event(), statement="forget_activities", days=3)

    assert await values(postgres, "SELECT id FROM activity ORDER BY id") == ["1", "2"]
