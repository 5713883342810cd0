"""The faulty proxy is honest until told otherwise, and then fails in the way it was told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.proxy import FaultyProxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultyProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, FaultyProxy(port=server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


@asynccontextmanager
async def connected(proxy: FaultyProxy) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(streams: Streams, said: bytes) -> bytes:
    reader, writer = streams
    writer.write(said)
    return await reader.read(1000)


async def test_it_forwards_both_ways(proxy: FaultyProxy) -> None:
    async with connected(proxy) as streams:
        assert await answer(streams, b"hello") == b"hello"


async def test_a_cut_resets_open_connections_and_takes_new_ones(proxy: FaultyProxy) -> None:
    async with connected(proxy) as streams:
        await answer(streams, b"hello")
        proxy.cut()
        with pytest.raises(ConnectionError):
            await answer(streams, b"again")

    async with connected(proxy) as streams:
        assert await answer(streams, b"again") == b"again"


async def test_a_hanging_connection_stays_open_and_silent_until_repaired(proxy: FaultyProxy) -> None:
    async with connected(proxy) as streams:
        proxy.hang()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer(streams, b"hello"), 0.1)
        proxy.repair()

        assert await streams[0].read(1000) == b"hello"


async def test_refused_connections_are_reset_at_once(proxy: FaultyProxy) -> None:
    proxy.refuse()
    async with connected(proxy) as streams:
        with pytest.raises(ConnectionError):
            await answer(streams, b"hello")


async def test_a_slow_connection_loses_nothing(proxy: FaultyProxy) -> None:
    proxy.slow(bytes_per_s=2000)
    async with connected(proxy) as (reader, writer):
        writer.write(b"x" * 300)

        assert await reader.readexactly(300) == b"x" * 300
