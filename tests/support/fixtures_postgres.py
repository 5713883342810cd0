"""Fixtures for tests of what is in the database: a migrated one of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from pipeline.postgres.connection import Database, database
from pipeline.postgres.migrate import migrate
from pipeline.telemetry.health import Readiness
from tests.support.servers import fresh_database


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> Iterator[str]:
    """The name of a database with the schema, to copy from."""
    with fresh_database(postgres_server) as url:
        asyncio.run(_migrate(url))
        yield url.rpartition("/")[2]


@pytest.fixture
def migrated_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """The URL of a database of the test's own, with the schema and nothing in it."""
    with fresh_database(postgres_server, template=migrated_template) as url:
        yield url


@pytest.fixture
async def postgres(migrated_url: str) -> AsyncIterator[Database]:
    """A pool of connections to it."""
    opened = database(migrated_url, size=4, name="test", stopping=asyncio.Event(), readiness=Readiness())
    async with opened as pool:
        assert pool is not None
        yield pool


async def rows(postgres: Database, query: str, *arguments: object) -> list[dict[str, Any]]:
    """What the query finds, as dicts."""
    async with postgres.connection() as connection:
        return [dict(row) for row in await connection.fetch(query, *arguments)]


async def values(postgres: Database, query: str, *arguments: object) -> list[Any]:
    """The first column of what the query finds."""
    return [next(iter(row.values())) for row in await rows(postgres, query, *arguments)]


async def _migrate(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
    finally:
        await connection.close()
