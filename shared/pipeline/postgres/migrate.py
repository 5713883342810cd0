"""Plain numbered SQL files, applied once each, in order, forward only; several services may start at once.

`NNNN_name.sql` in `pipeline/postgres/migrations`. What was applied is in the table `schema_migration` with its
checksum: an applied file never changes, a new change is a new file.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import asyncpg

from pipeline.errors import TryLater
from pipeline.settings import SettingsError

_PART = re.compile(r"^-- role: (\w+)$", re.MULTILINE)


def grants() -> dict[str, str]:
    """The statements of each role."""
    _, *parts = _PART.split(files("pipeline.postgres").joinpath("grants.sql").read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


async def grant(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Gives the roles that exist their rights, and says which. Where there are none, one role does everything."""
    rows = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1::text[])", list(grants()))
    known = {row["rolname"] for row in rows}
    for role, statements in grants().items():
        if role in known:
            async with connection.transaction():
                await connection.execute(statements)
    return [role for role in grants() if role in known]


LOCK = 0x646D6172  # "dmar": whoever holds this advisory lock migrates
CREATE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class SchemaError(SettingsError):
    """The database's schema and this version's files contradict each other; the text says where."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name without ".sql", and its statements."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the statements, hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """This version's migrations, in order."""
    found = [file for file in files("pipeline.postgres.migrations").iterdir() if file.name.endswith(".sql")]
    return [
        Migration(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file in sorted(found, key=lambda file: file.name)
    ]


async def migrate(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Applies what is missing, each file in its own transaction, and gives the names of what it applied.

    A database that is ahead of this version is left alone. Raises SchemaError when an applied file has changed.
    """
    await connection.execute("SET statement_timeout = 0")
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        return await _apply_missing(connection)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def require_migrated(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Raises TryLater while something is missing that another role's `dmarq-migrate` must apply, or SchemaError."""
    try:
        missing = await _missing(connection)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        missing = migrations()
    if missing:
        raise TryLater("postgres", f"migration {missing[0].name} is not applied yet: dmarq-migrate does that")


async def _apply_missing(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    await connection.execute(CREATE_LEDGER)
    missing = await _missing(connection)
    for migration in missing:
        await _apply(connection, migration)
    return [migration.name for migration in missing]


async def _missing(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Migration]:
    rows = await connection.fetch("SELECT name, checksum FROM schema_migration")
    applied: dict[str, str] = {row["name"]: row["checksum"] for row in rows}
    missing = []
    for migration in migrations():
        known = applied.get(migration.name)
        if known is None:
            missing.append(migration)
        elif known != migration.checksum:
            raise SchemaError(f"migration {migration.name} was changed after it was applied to this database")
    return missing


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
        )
