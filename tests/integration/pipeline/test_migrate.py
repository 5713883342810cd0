"""The schema is brought up to date once, whoever starts at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from pipeline.postgres.migrate import SchemaError, migrate, migrations

TABLES = {
    "mailbox", "mail", "document", "report", "record", "tls_policy", "tls_failure", "failure_report", "outbox",
    "activity", "fetch_run",
}  # fmt: skip


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def start(url: str) -> list[str]:
    async with connected(url) as connection:
        return await migrate(connection)


async def test_an_empty_database_gets_every_table(database_url: str) -> None:
    await start(database_url)

    async with connected(database_url) as connection:
        found = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        partitioned = await connection.fetch("SELECT relname FROM pg_class WHERE relkind = 'p'")
    assert {row[0] for row in [*found, *partitioned]} >= TABLES


async def test_each_migration_is_applied_once_by_many_starters_at_once(database_url: str) -> None:
    applied = await asyncio.gather(*(start(database_url) for _ in range(3)))

    every_name = [migration.name for migration in migrations()]
    assert sorted(name for names in applied for name in names) == every_name
    assert await start(database_url) == []


async def test_a_changed_applied_file_is_an_error_that_names_it(database_url: str) -> None:
    await start(database_url)
    async with connected(database_url) as connection:
        await connection.execute("UPDATE schema_migration SET checksum = 'other' WHERE name LIKE '0002%'")

        with pytest.raises(SchemaError, match="0002_mail was changed"):
            await migrate(connection)


async def test_a_database_that_is_ahead_is_left_alone(database_url: str) -> None:
    await start(database_url)
    async with connected(database_url) as connection:
        await connection.execute("INSERT INTO schema_migration (name, checksum) VALUES ('9999_later', 'x')")

    assert await start(database_url) == []
