"""Real servers for tests: NATS and PostgreSQL as processes on loopback, or those that the environment names.

DMARQ_TEST_NATS_URL and DMARQ_TEST_DATABASE_URL (a role that may create databases) take servers that already run. A NATS
server named so is emptied between tests: never name one that matters.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import nats

from dmarq.embedded import EmbeddedNats, EmbeddedPostgres, temporary_data_dir


@contextmanager
def running_nats() -> Iterator[str]:
    """The URL of a NATS server with nothing in its JetStream."""
    given = os.environ.get("DMARQ_TEST_NATS_URL")
    if given:
        asyncio.run(_empty_jetstream(given))
        yield given
        return
    with temporary_data_dir() as data, EmbeddedNats(data) as server:
        yield server.url


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server's first database."""
    given = os.environ.get("DMARQ_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with temporary_data_dir() as data, EmbeddedPostgres(data, durable=False) as server:
        yield server.url


@contextmanager
def fresh_database(server_url: str, *, template: str = "template1") -> Iterator[str]:
    """The URL of a new database, a copy of `template`; it is dropped at the end, whoever is still connected."""
    name = f"test_{uuid4().hex}"
    # Files are copied five times as cheaply as page by page through the log, which is for servers that must not pause.
    asyncio.run(_execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'))
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        asyncio.run(_execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _empty_jetstream(url: str) -> None:
    connection = await nats.connect(url)
    try:
        jetstream = connection.jetstream()
        for stream in await jetstream.streams_info():
            await jetstream.delete_stream(stream.config.name or "")
    finally:
        await connection.close()
