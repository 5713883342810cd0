"""A chore: what the parser does beside its stages, again and again. Its faults end neither the parser nor its work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from pipeline.errors import TryLater, described
from pipeline.postgres.connection import Connection, Database, StatementFault
from pipeline.runtime.retry import pause

log = structlog.get_logger(__name__)

TIMEOUT = 600.0  # seconds for a statement that goes through very many rows


async def chore(name: str, work: Callable[[], Awaitable[None]], *, every: float, stopping: asyncio.Event) -> None:
    """Does the work now and every so many seconds, until told to stop; `work` raises TryLater to be put off."""
    while not stopping.is_set():
        try:
            await work()
        except TryLater as error:
            log.info(f"{name}_postponed", dependency=error.dependency, detail=error.detail[:200])
        except StatementFault as error:
            log.error(f"{name}_failed", error=described(error))
        await pause(stopping, every)


@asynccontextmanager
async def long_transaction(database: Database) -> AsyncIterator[Connection]:
    """A transaction whose statements may take `TIMEOUT`; give that as their `timeout`, too."""
    async with database.transaction() as connection:
        await connection.execute(f"SET LOCAL statement_timeout = '{TIMEOUT:.0f}s'")
        yield connection
