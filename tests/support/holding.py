"""A part of the database that nobody can read for a while: what needs it takes as long as the test wants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

WAITING = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'overview_source'::regclass"


@asynccontextmanager
async def sources_held(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Inside the block no source is added up. Gives the connection that holds them."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE overview_source IN ACCESS EXCLUSIVE MODE")
            yield connection
    finally:
        await connection.close()


async def end_those_who_wait(holder: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Ends the connections that wait for the sources, as an operator or a restart would."""
    await holder.execute(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting")
