"""The schema is plain SQL, forward only; several services may start at once.

A new database gets the baseline: `pipeline/postgres/baseline/N_topic.sql`, the schema of the first release, to be read.
One that is older goes on by the numbered files in `pipeline/postgres/migrations`, which come to the same, as a test
shows. What the baseline holds counts as applied in a new database, so that both go one way from there: a change is a
new numbered file, applied once. `schema_migration` has the checksums: an applied file never changes.
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


BASELINE = "0070_imap_switch"  # the last numbered file that the baseline holds
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
    return _files_in("migrations")


def baseline() -> list[Migration]:
    """The files that make the schema in a new database, in order."""
    return _files_in("baseline")


def _files_in(directory: str) -> list[Migration]:
    found = [file for file in files("pipeline.postgres").joinpath(directory).iterdir() if file.name.endswith(".sql")]
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
    if await connection.fetchval("SELECT NOT EXISTS (SELECT FROM schema_migration)"):
        await apply(connection, baseline(), counts_as=[each for each in missing if each.name <= BASELINE])
    for migration in await _missing(connection):
        await apply(connection, [migration], counts_as=[migration])
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


async def apply(
    connection: "asyncpg.Connection[asyncpg.Record]", statements: list[Migration], *, counts_as: list[Migration]
) -> None:
    """Executes the files, and notes what that applies, in one transaction."""
    async with connection.transaction():
        for each in statements:
            await connection.execute(each.sql)
        await connection.executemany(
            "INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)", [(m.name, m.checksum) for m in counts_as]
        )
