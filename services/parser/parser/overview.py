"""The sums of the overview: new reports are due in the transaction that stores them, and added here, many at a time."""

import asyncio
from functools import partial

from parser.chore import TIMEOUT, chore, long_transaction
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

SQL = Statements.of("parser.storage")

EVERY = 3.0  # seconds; readers add up what is due by themselves, so nobody waits for us
SOME_RECORDS = 100_000  # added in one transaction, some seconds at most; but a report with more is added whole


async def keep_overview(database: Database, stopping: asyncio.Event) -> None:
    """Adds what is due, again and again until told to stop."""
    await chore("overview", partial(fold, database, stopping), every=EVERY, stopping=stopping)


async def fold(database: Database, stopping: asyncio.Event) -> None:
    """Adds what is due until nothing is left, or another parser is doing it. Raises TryLater."""
    while not stopping.is_set():
        async with long_transaction(database) as connection:
            if not await connection.fetchval(SQL["fold_overview"], SOME_RECORDS, timeout=TIMEOUT):
                return
