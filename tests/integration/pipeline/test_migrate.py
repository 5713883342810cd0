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


async def test_the_password_of_before_there_were_users_becomes_that_of_the_user_admin(database_url: str) -> None:
    async with connected(database_url) as connection:
        for migration in migrations():
            if migration.name < "0080":
                await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO credential (kind, hash) VALUES ('password', 'hash'), ('admin_token', 'x')"
        )
        await connection.execute(
            "INSERT INTO session (hash, expires_at, made_by) VALUES ('a', now() + interval '1 day', sha256('hash')), "
            "('b', now() + interval '1 day', sha256('x'))"
        )
        for migration in migrations():
            if migration.name >= "0080":
                await connection.execute(migration.sql)
        users = await connection.fetch("SELECT name, role, password, mark = sha256('hash') AS is_bound FROM users")
        sessions = await connection.fetch(
            "SELECT users.name FROM session LEFT JOIN users ON users.id = user_id AND mark = made_by ORDER BY hash"
        )
        credentials = await connection.fetch("SELECT kind FROM credential")
        await connection.execute("UPDATE users SET password = 'another'")
        ended = await connection.fetchval("SELECT mark <> sha256('hash') FROM users")
    assert [tuple(row) for row in users] == [("admin", "admin", "hash", True)]
    assert [row["name"] for row in sessions] == ["admin", None]
    assert [row["kind"] for row in credentials] == ["admin_token"]
    assert ended
