"""The sums of the overview: new reports are due in the transaction that stores them, and added here, many at a time."""

import asyncio

import structlog

from parser.sql import SQL
from pipeline.adapters.postgres import Database, StatementFault
from pipeline.errors import TryLater, described
from pipeline.stopping import pause

log = structlog.get_logger(__name__)

EVERY = 3.0  # seconds; readers add up what is due by themselves, so nobody waits for us
SOME_RECORDS = 100_000  # added in one transaction, some seconds at most; but a report with more is added whole
PATIENCE = 600.0  # seconds


async def keep_overview(database: Database, stopping: asyncio.Event) -> None:
    """Adds what is due, again and again until told to stop."""
    while not stopping.is_set():
        try:
            await fold(database, stopping)
        except TryLater as error:
            log.info("overview_postponed", dependency=error.dependency, detail=error.detail[:200])
        except StatementFault as error:  # a fault of these statements ends neither the parser nor its work
            log.error("overview_failed", error=described(error))
        await pause(stopping, EVERY)


async def fold(database: Database, stopping: asyncio.Event) -> None:
    """Adds what is due until nothing is left, or another parser is doing it. Raises TryLater."""
    while not stopping.is_set():
        async with database.transaction() as connection:
            await connection.execute(f"SET LOCAL statement_timeout = '{PATIENCE:.0f}s'")
            if not await connection.fetchval(SQL["fold_overview"], SOME_RECORDS, timeout=PATIENCE):
                return
