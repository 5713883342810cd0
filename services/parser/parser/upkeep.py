"""What the parser does beside storing: it adds up the overview, and forgets what is kept only for a time.

New reports are due in the transaction that stores them, and are added to the sums here, many at a time. Documents'
bytes (for reparse), rows of reports and lines for people go after their time; and there is room for the months ahead.
"""

import asyncio
from datetime import UTC, datetime
from functools import partial

import structlog

from parser.chore import TIMEOUT, chore, long_transaction
from parser.storage.records import MONTHS_AHEAD, Month, Partitions, later
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

log = structlog.get_logger(__name__)

SQL = Statements.of("parser.storage")

FOLD_EVERY = 3.0  # seconds; readers add up what is due by themselves, so nobody waits for us
SOME_RECORDS = 100_000  # added in one transaction, some seconds at most; but a report with more is added whole
CLEAR_EVERY = 3600.0  # seconds
SOME = 1000  # rows at a time, so that nobody waits for us
ACTIVITY_DAYS = 30


async def keep_overview(database: Database, stopping: asyncio.Event) -> None:
    """Adds what is due, again and again until told to stop."""
    await chore("overview", partial(fold, database, stopping), every=FOLD_EVERY, stopping=stopping)


async def fold(database: Database, stopping: asyncio.Event) -> None:
    """Adds what is due until nothing is left, or another parser is doing it. Raises TryLater."""
    while not stopping.is_set():
        async with long_transaction(database) as connection:
            if not await connection.fetchval(SQL["fold_overview"], SOME_RECORDS, timeout=TIMEOUT):
                return


async def keep_house(
    database: Database,
    stopping: asyncio.Event,
    *,
    keep_documents_days: int,
    keep_records_months: int,
    keep_failure_days: int = 0,
) -> None:
    """Forgets what is old and makes room for the months to come, every hour until told to stop; 0 keeps for ever."""
    partitions = Partitions(database)

    async def clear() -> None:
        await partitions.ensure(months_to_come(datetime.now(UTC)))
        if keep_records_months:
            await drop_records(database, months=keep_records_months)
        if keep_documents_days:
            await forget(database, stopping, statement="forget_documents", days=keep_documents_days)
        if keep_failure_days:
            await forget(database, stopping, statement="forget_failure_reports", days=keep_failure_days)
        await forget(database, stopping, statement="forget_activities", days=ACTIVITY_DAYS)

    await chore("retention", clear, every=CLEAR_EVERY, stopping=stopping)


async def forget(database: Database, stopping: asyncio.Event, *, statement: str, days: int) -> None:
    """Runs the statement until nothing older than so many days is left. Raises TryLater."""
    while not stopping.is_set():
        async with database.connection() as connection:
            done = await connection.execute(SQL[statement], days, SOME)
        if int(done.rpartition(" ")[2]) < SOME:
            return


async def drop_records(database: Database, *, months: int) -> None:
    """Drops the rows of reports older than so many months before this one. Raises TryLater, also when in the way."""
    async with long_transaction(database) as connection:  # the sums of a month's sources are deleted row by row
        await connection.execute("SET LOCAL lock_timeout = '10s'")
        dropped = await connection.fetchval(SQL["drop_partitions"], months, timeout=TIMEOUT)
    if dropped:
        log.info("records_dropped", partitions=dropped)


def months_to_come(now: datetime) -> list[datetime]:
    """The first instants of this month and of those ahead."""
    months: list[Month] = [later((now.year, now.month), by=ahead) for ahead in range(MONTHS_AHEAD + 1)]
    return [datetime(year, month, 1, tzinfo=UTC) for year, month in months]
