"""A database that goes away while a service comes up."""

import asyncio

import asyncpg
import pytest

from dmarq.embedded import EmbeddedPostgres, temporary_data_dir
from pipeline.errors import TryLater
from pipeline.postgres.connection import open_pool, postgres_errors
from pipeline.postgres.migrate import LOCK

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def test_a_server_that_stops_while_the_schema_is_brought_up_to_date_is_waited_for() -> None:
    with temporary_data_dir() as data, EmbeddedPostgres(data, durable=False) as server:
        first = await asyncpg.connect(server.url)
        await first.execute("SELECT pg_advisory_lock($1)", LOCK)
        opening = asyncio.create_task(_opened(server.url))
        async with asyncio.timeout(30):
            while not await first.fetchval(WAITING):  # noqa: ASYNC110 nobody tells
                await asyncio.sleep(0.02)
        await asyncio.to_thread(server.stop)
        with pytest.raises(TryLater):
            await opening
        first.terminate()


async def _opened(url: str) -> None:
    with postgres_errors():
        await open_pool(url, size=1, name="test")
