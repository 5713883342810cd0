"""The sums of sources by month, for numbers of messages that no honest report says."""

from pipeline.postgres.connection import Connection, Database
from tests.support.fixtures_postgres import rows, values

HUGE = 2**63 - 1
MONTHS = "SELECT messages::text, most::text FROM overview_source_month"


async def add(connection: Connection, day: int, count: int) -> None:
    await connection.execute(
        """INSERT INTO overview_source (day, mailbox_id, domain, source_ip, messages, passed)
        VALUES (make_date(2024, 5, $1), 'box', 'example.com', '192.0.2.1', $2, 0)""",
        day,
        count,
    )


async def months(postgres: Database) -> list[tuple[int, int]]:
    return [(int(month["messages"]), int(month["most"])) for month in await rows(postgres, MONTHS)]


async def test_sums_that_no_bigint_holds_are_exact_again_when_a_part_goes(postgres: Database) -> None:
    async with postgres.connection() as connection:
        for day in (1, 2, 3):
            await add(connection, day, HUGE)
        assert await months(postgres) == [(3 * HUGE, 3 * HUGE)]
        await connection.execute("UPDATE overview_source SET messages = 5 WHERE day = '2024-05-02'")
        await connection.execute("DELETE FROM overview_source WHERE day = '2024-05-03'")
    assert await months(postgres) == [(HUGE + 5, HUGE + 5)]


async def test_what_is_below_nothing_takes_nothing_from_what_days_of_a_month_may_have(postgres: Database) -> None:
    async with postgres.connection() as connection:
        for day, count in ((1, 50), (2, -30), (3, -5), (4, 8)):
            await add(connection, day, count)
        assert await months(postgres) == [(23, 58)]
        await connection.execute("UPDATE overview_source SET messages = -messages WHERE extract(day FROM day) > 2")
        assert await months(postgres) == [(17, 55)]
        await connection.execute("DELETE FROM overview_source WHERE messages < 0")
        assert await months(postgres) == [(55, 55)]
        await connection.execute("DELETE FROM overview_source")
    assert await values(postgres, "SELECT count(*) FROM overview_source_month") == [0]
