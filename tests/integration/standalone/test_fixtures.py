"""The server fixtures give every test a clean slate."""

import asyncpg
import nats
import pytest


@pytest.mark.parametrize("_time", ["first", "second"])
async def test_a_test_finds_a_fresh_database(database_url: str, _time: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE mine ()")
    await connection.close()


@pytest.mark.parametrize("_time", ["first", "second"])
async def test_a_test_finds_an_empty_jetstream(nats_url: str, _time: str) -> None:
    client = await nats.connect(nats_url)
    jetstream = client.jetstream()

    assert await jetstream.streams_info() == []
    await jetstream.add_stream(name="MINE", subjects=["mine"])
    await client.close()


async def test_a_session_shares_a_nats_server(nats_server: str) -> None:
    client = await nats.connect(nats_server)

    assert client.is_connected
    await client.close()
