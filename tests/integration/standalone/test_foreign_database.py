"""The database of another tool, on a real server."""

import asyncpg

from dmarq.foreign.database import of_database
from dmarq.foreign.document import Found
from tests.support.mails import aggregate_xml


async def test_a_value_that_cannot_be_read_is_refused_and_the_others_are_not(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE report (serial integer, raw_xml jsonb)")
    report, deep, long = aggregate_xml().decode(), "[" * 3000 + "]" * 3000, "9" * 6000
    for serial, value in enumerate((deep, long, None)):
        await connection.execute("INSERT INTO report VALUES ($1, $2::text::jsonb)", serial, value)
    await connection.execute("INSERT INTO report VALUES (9, to_jsonb($1::text))", report)
    await connection.close()
    found: list[Found] = [one async for one in of_database(database_url)]
    assert [bool(one.refused) for one in found] == [True, True, True, False]
    assert found[-1].data == report.encode()
