"""The database of another tool, read and never written."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg

ROWS: Final = 50  # that are fetched at a time
TABLES: Final = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)"
TIMEOUT_S: Final = 60.0


async def tables(url: str) -> frozenset[str]:
    """The names of what can be read without naming a schema. Raises OSError where the database cannot be read."""
    connection = await _connected(url)
    try:
        rows = await connection.fetch(TABLES)
    finally:
        await connection.close()
    return frozenset(row["relname"] for row in rows)


async def entries(url: str, query: str) -> AsyncIterator[tuple[int, Any]]:
    """The rows of a query that gives a number and a JSON value, a few in memory at a time, all of one moment.

    A value that is nested too deeply, or has a number of thousands of digits, is None as one that is not there.
    Raises OSError where the database cannot be read.
    """
    connection = await _connected(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            async for number, value in connection.cursor(query, prefetch=ROWS):
                yield number, _decoded(value)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OSError(f"the database cannot be read: {type(error).__name__}") from None
    finally:
        await connection.close()


def _decoded(value: str | None) -> Any:
    try:
        return None if value is None else json.loads(value)
    except (RecursionError, ValueError):
        return None


async def _connected(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    try:
        return await asyncpg.connect(url, timeout=TIMEOUT_S)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise OSError(f"the database cannot be reached: {type(error).__name__}") from None
