"""While PostgreSQL is away, starting or in the way, an event is kept: it is never the mail's fault."""

import asyncio
from urllib.parse import urlsplit

import pytest

import pipeline.postgres.connection
from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.storage.transaction import AnnouncementOptions, Store
from pipeline.errors import TryLater
from pipeline.postgres.connection import database
from pipeline.telemetry.health import Readiness
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import values
from tests.support.proxy import FaultyProxy
from tests.support.reports import report_xml


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


async def test_a_lost_database_is_a_try_later_and_the_next_try_succeeds(migrated_url: str) -> None:
    readiness = Readiness()
    async with FaultyProxy(port=port_of(migrated_url)) as proxy:
        url = migrated_url.replace(f":{port_of(migrated_url)}/", f":{proxy.port}/")
        async with database(url, size=2, name="test", stopping=asyncio.Event(), readiness=readiness) as postgres:
            assert postgres is not None
            parser = ParserHandler(
                postgres, Store(postgres, AnnouncementOptions()), options=ReadOptions(), committed=lambda: None
            )
            proxy.refuse()
            with pytest.raises(TryLater, match="postgres"):
                await parser([extracted(1, report_xml())])
            assert "postgres" in readiness.missing

            proxy.repair()

            assert await parser([extracted(1, report_xml())]) == [[]]
            assert readiness.missing == {}


async def test_a_connection_that_breaks_in_a_transaction_is_a_try_later(migrated_url: str) -> None:
    async with FaultyProxy(port=port_of(migrated_url)) as proxy:
        url = migrated_url.replace(f":{port_of(migrated_url)}/", f":{proxy.port}/")
        async with database(url, size=2, name="test", stopping=asyncio.Event(), readiness=Readiness()) as postgres:
            assert postgres is not None

            async def work() -> None:
                async with postgres.transaction() as connection:
                    await connection.execute("CREATE TABLE lost (id integer)")
                    proxy.cut()
                    await connection.execute("INSERT INTO lost VALUES (1)")

            with pytest.raises(TryLater, match="postgres"):
                await work()

            assert await values(postgres, "SELECT count(*) FROM pg_class WHERE relname = 'lost'") == [0]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SET statement_timeout = 10; SELECT pg_sleep(60)",
        "SELECT * FROM a_table_of_the_next_version",
    ],
)
async def test_the_servers_state_is_a_try_later(migrated_url: str, statement: str) -> None:
    async with database(migrated_url, size=1, name="test", stopping=asyncio.Event(), readiness=Readiness()) as postgres:
        assert postgres is not None
        with pytest.raises(TryLater, match="postgres"):
            async with postgres.connection() as connection:
                await connection.execute(statement)


async def test_the_first_connection_is_waited_for(migrated_url: str) -> None:
    readiness = Readiness()
    async with FaultyProxy(port=port_of(migrated_url)) as proxy:
        proxy.refuse()
        url = migrated_url.replace(f":{port_of(migrated_url)}/", f":{proxy.port}/")

        async def connect() -> list[int]:
            async with database(url, size=1, name="test", stopping=asyncio.Event(), readiness=readiness) as postgres:
                assert postgres is not None
                return await values(postgres, "SELECT 1")

        connecting = asyncio.create_task(connect())
        while proxy.accepted < 2:  # noqa: ASYNC110 - the proxy has no event for it
            await asyncio.sleep(0.01)
        assert "postgres" in readiness.missing
        proxy.repair()

        assert await connecting == [1]


async def test_a_stop_ends_the_waiting_for_the_first_connection() -> None:
    stopping = asyncio.Event()
    url = "postgresql://dmarq@127.0.0.1:1/dmarq"

    async def connect() -> bool:
        async with database(url, size=1, name="test", stopping=stopping, readiness=Readiness()) as postgres:
            return postgres is None

    connecting = asyncio.create_task(connect())
    await asyncio.sleep(0.05)
    stopping.set()

    assert await connecting


async def test_a_server_that_falls_silent_is_given_up_after_one_timeout(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver would wait for the rollback as long as for the statement, and for the cancellation before it."""
    monkeypatch.setattr(pipeline.postgres.connection, "ANSWER_TIMEOUT", 2.0)
    async with FaultyProxy(port=port_of(migrated_url)) as proxy:
        url = migrated_url.replace(f":{port_of(migrated_url)}/", f":{proxy.port}/")
        async with database(url, size=1, name="test", stopping=asyncio.Event(), readiness=Readiness()) as postgres:
            assert postgres is not None

            async def work() -> None:
                async with postgres.transaction() as connection:
                    proxy.abandon()
                    await connection.execute("SELECT 1")
                    pytest.fail("an answer came")

            with pytest.raises(TryLater, match="postgres"):
                async with asyncio.timeout(5):
                    await work()
            async with postgres.connection() as connection:
                assert await connection.fetchval("SELECT 1") == 1


async def test_when_one_connection_falls_silent_the_idle_ones_are_not_waited_for(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.postgres.connection, "ANSWER_TIMEOUT", 2.0)
    async with FaultyProxy(port=port_of(migrated_url)) as proxy:
        url = migrated_url.replace(f":{port_of(migrated_url)}/", f":{proxy.port}/")
        async with database(url, size=3, name="test", stopping=asyncio.Event(), readiness=Readiness()) as postgres:
            assert postgres is not None
            all_open = asyncio.Barrier(3)

            async def use() -> int:
                async with postgres.connection() as connection:
                    await all_open.wait()
                    return int(await connection.fetchval("SELECT 1"))

            assert sum(await asyncio.gather(use(), use(), use())) == 3
            proxy.abandon()
            with pytest.raises(TryLater, match="postgres"):
                async with postgres.connection() as connection:
                    await connection.fetchval("SELECT 1")

            assert sum(await asyncio.gather(use(), use(), use())) == 3
