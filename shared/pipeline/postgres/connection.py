"""A pool of connections to PostgreSQL, and the translation of the driver's errors into ours."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from pipeline.errors import TryLater
from pipeline.postgres.migrate import migrate, require_migrated
from pipeline.postgres.types import set_types
from pipeline.runtime.judge import RetryPolicy
from pipeline.runtime.retry import persist_unless_stopped
from pipeline.telemetry.health import Readiness

log = structlog.get_logger(__name__)

Record: TypeAlias = asyncpg.Record
StatementFault: TypeAlias = asyncpg.PostgresError  # what is not the server's state, and so comes out as it is
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

DEPENDENCY = "postgres"
CONNECT_TIMEOUT = 10.0  # seconds
UNUSED_FOR = 30.0  # seconds after which a connection is closed: each is a process of the server, of some megabytes
OPENING = RetryPolicy(later_delays=(0.2, 0.4, 0.8, 1.6, 3.2, 5.0))
ANSWER_TIMEOUT = 65.0  # seconds until a server that says nothing counts as gone; more than its own statement timeout
SERVER_SETTINGS = {
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "TimeZone": "UTC",
    "jit": "off",  # compiling takes longer than any of our queries should
}

# Classes: connection, resources (disk full, too many connections), operator intervention, system, serialization and
# deadlock, object in use, wrong credentials. Codes: read-only standby, no such database, and a schema or grants that
# are not (yet) those of this version: none of that is the fault of the mail in hand.
LATER_CLASSES = frozenset({"08", "53", "57", "58", "40", "55", "28"})
LATER_CODES = frozenset({"25006", "3D000", "42501", "42P01", "42703"})


class Database:
    """Connections on loan. Errors of a server that is away, full or busy come out as TryLater."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", readiness: Readiness) -> None:
        self._pool = pool
        self._readiness = readiness

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection without a transaction: each statement is one."""
        with self._watched(), postgres_errors():
            async with self._pool.acquire() as connection:
                with _closed_is_later(connection):
                    async with self._silence_ends(connection):
                        yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction, committed at the end of the block, rolled back by an error."""
        async with (
            self.connection() as connection,
            connection.transaction(),
            self._silence_ends(connection),  # before the rollback, which would wait as long again
        ):
            yield connection

    def confined_to(self, domains: Collection[str]) -> "Database":
        """The same connections, for somebody who sees what is about these domains and changes nothing.

        Their statements find the tables of the schema `confined` and no others (migration 0082).
        """
        return _Confined(self._pool, self._readiness, domains)

    @asynccontextmanager
    async def _silence_ends(self, connection: Connection) -> AsyncIterator[None]:
        """A server that does not answer in time gets no further word: the driver would wait once more, to cancel.

        The other connections are most likely as dead, so that each of them is made again when its turn comes. A timeout
        of something else in the block costs no more than that.
        """
        try:
            yield
        except TimeoutError:
            connection.terminate()
            await self._pool.expire_connections()
            raise

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except TryLater as error:
            if error.dependency == DEPENDENCY:
                self._readiness.set(DEPENDENCY, up=False, detail=error.detail[:200])
            raise
        self._readiness.set(DEPENDENCY, up=True)


class _Confined(Database):
    """Each loan is a transaction, because what confines it ends with one."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", readiness: Readiness, domains: Collection[str]) -> None:
        super().__init__(pool, readiness)
        listed = ",".join(sorted(domains)).replace("'", "''")
        # SET, because a SELECT would be a query already: a transaction may still choose its isolation after this.
        self._terms = (
            f"SET LOCAL search_path = confined; SET LOCAL dmarq.domains = '{listed}'; SET TRANSACTION READ ONLY"
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in a transaction that only reads."""
        async with (
            super().connection() as connection,
            connection.transaction(),
            self._silence_ends(connection),
        ):
            await connection.execute(self._terms)
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """The same."""
        async with self.connection() as connection:
            yield connection


@contextmanager
def postgres_errors() -> Iterator[None]:
    """Raises TryLater for everything that is the server's state and not the mail's fault."""
    try:
        yield
    except asyncpg.PostgresError as error:
        code = error.sqlstate or ""
        if code[:2] in LATER_CLASSES or code in LATER_CODES:
            raise TryLater(DEPENDENCY, f"{code} {error}") from error
        raise
    except (OSError, TimeoutError, asyncpg.InternalClientError) as error:
        raise TryLater(DEPENDENCY, str(error) or type(error).__name__) from error


@contextmanager
def _closed_is_later(connection: "Connection | asyncpg.Connection[asyncpg.Record]") -> Iterator[None]:
    """The driver reports the use of a connection that broke meanwhile as if it were a mistake of ours."""
    try:
        yield
    except asyncpg.InterfaceError as error:
        if _is_gone(connection):
            raise TryLater(DEPENDENCY, str(error)) from error
        raise


def _is_gone(connection: "Connection | asyncpg.Connection[asyncpg.Record]") -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # so much that the pool has taken it back
        return True


@asynccontextmanager
async def database(
    url: str, *, size: int, name: str, stopping: asyncio.Event, readiness: Readiness, migrates: bool = True
) -> AsyncIterator[Database | None]:
    """A database with the schema of this version, `size` connections at most.

    Waits for the server as long as it takes, with a log line each time; gives None when told to stop meanwhile. With
    `migrates` False it also waits until `dmarq-migrate` has brought the schema up to date. Raises SchemaError.
    """
    pool = await _first_pool(url, size=size, name=name, stopping=stopping, readiness=readiness, migrates=migrates)
    if pool is None:
        yield None
        return
    try:
        yield Database(pool, readiness)
    finally:
        await _close(pool)


async def _first_pool(
    url: str, *, size: int, name: str, stopping: asyncio.Event, readiness: Readiness, migrates: bool
) -> "asyncpg.Pool[asyncpg.Record] | None":
    readiness.set(DEPENDENCY, up=False, detail="not connected yet")

    async def opened() -> "asyncpg.Pool[asyncpg.Record]":
        try:
            with postgres_errors():
                return await open_pool(url, size=size, name=name, migrates=migrates)
        except TryLater as error:
            readiness.set(DEPENDENCY, up=False, detail=error.detail[:200])
            raise

    pool = await persist_unless_stopped(opened, stopping, policy=OPENING)
    if pool is not None:
        readiness.set(DEPENDENCY, up=True)
    return pool


async def open_pool(url: str, *, size: int, name: str, migrates: bool = True) -> "asyncpg.Pool[asyncpg.Record]":
    """A pool to a database whose schema is up to date: brought there first, or with `migrates` False only looked at.

    The driver's errors come out as they are. Raises SchemaError, and TryLater for a schema that is not there yet.
    """
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT)
    try:
        with _closed_is_later(connection):  # the server may go away in the middle
            if migrates:
                log.info("migrated", applied=await migrate(connection))
            else:
                await require_migrated(connection)
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT)

    return await asyncpg.create_pool(
        url,
        min_size=0,  # a connection that is lost is made again when it is needed, not behind our back
        max_size=size,
        max_inactive_connection_lifetime=UNUSED_FOR,
        timeout=CONNECT_TIMEOUT,
        command_timeout=ANSWER_TIMEOUT,
        server_settings={**SERVER_SETTINGS, "application_name": f"dmarq-{name}"},
        init=set_types,
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """What we set or lock ends with its transaction, and the driver ends that: the rest is not worth a round trip."""


async def _close(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    try:
        await asyncio.wait_for(pool.close(), 5)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.debug("postgres_close_failed", error=str(error))
        pool.terminate()
