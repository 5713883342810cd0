"""The schema is brought up to date once, whoever starts at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from pipeline.postgres.migrate import CREATE_LEDGER, Migration, SchemaError, apply, migrate, migrations
from tests.support.schema import described_schema

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


async def upgrade_from(url: str, *, applied: int) -> None:
    """Brings a database to where the first `applied` numbered files had brought it."""
    async with connected(url) as connection:
        await connection.execute(CREATE_LEDGER)
        for migration in migrations()[:applied]:
            await apply(connection, [migration], counts_as=[migration])


@pytest.mark.parametrize("applied", [1, 4, 13, 20, len(migrations())])
async def test_a_database_from_before_the_first_release_gets_the_schema_of_a_new_one(
    database_url: str, migrated_url: str, applied: int
) -> None:
    await upgrade_from(database_url, applied=applied)

    assert await start(database_url) == [migration.name for migration in migrations()[applied:]]
    async with connected(database_url) as old, connected(migrated_url) as new:
        assert await described_schema(old) == await described_schema(new)
        assert await old.fetch("SELECT * FROM imap_switch") != []
        assert await new.fetchval("SELECT count(*) FROM imap_switch") == 1
        ledger = "SELECT name, checksum FROM schema_migration ORDER BY name"
        assert await old.fetch(ledger) == await new.fetch(ledger)


async def test_what_is_stored_before_an_upgrade_is_there_after_it(database_url: str) -> None:
    await upgrade_from(database_url, applied=4)
    async with connected(database_url) as connection:
        await connection.execute("INSERT INTO mailbox (id, version, settings, secret) VALUES ('a', 3, '{}', 's')")

    await start(database_url)

    async with connected(database_url) as connection:
        (row,) = await connection.fetch("SELECT id, version, published_version FROM mailbox")
    assert tuple(row) == ("a", 3, None)


async def test_a_later_migration_comes_to_new_databases_and_to_old_ones(
    database_url: str, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Migration("9000_later", "CREATE TABLE later (id bigint)")
    known = migrations()
    await upgrade_from(database_url, applied=4)
    monkeypatch.setattr("pipeline.postgres.migrate.migrations", lambda: [*known, later])

    for url in (database_url, migrated_url):
        assert (await start(url))[-1] == later.name
        async with connected(url) as connection:
            assert await connection.fetch("SELECT * FROM later") == []


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
