"""What is kept only for a time: the bytes of documents (for reparse), and lines for people."""

import asyncio

import structlog

from parser.sql import SQL
from pipeline.adapters.postgres import Database
from pipeline.errors import TryLater
from pipeline.stopping import pause

log = structlog.get_logger(__name__)

EVERY = 3600.0  # seconds
SOME = 1000  # rows at a time, so that nobody waits for us
ACTIVITY_DAYS = 30


async def keep_house(database: Database, stopping: asyncio.Event, *, keep_documents_days: int) -> None:
    """Forgets what is old, every hour until told to stop. Documents are kept for ever with `keep_documents_days` 0."""
    while not stopping.is_set():
        try:
            if keep_documents_days:
                await forget(database, stopping, statement="forget_documents", days=keep_documents_days)
            await forget(database, stopping, statement="forget_activities", days=ACTIVITY_DAYS)
        except TryLater as error:
            log.info("retention_postponed", dependency=error.dependency, detail=error.detail[:200])
        await pause(stopping, EVERY)


async def forget(database: Database, stopping: asyncio.Event, *, statement: str, days: int) -> None:
    """Runs the statement until nothing older than so many days is left. Raises TryLater."""
    while not stopping.is_set():
        async with database.connection() as connection:
            done = await connection.execute(SQL[statement], days, SOME)
        if int(done.rpartition(" ")[2]) < SOME:
            return
