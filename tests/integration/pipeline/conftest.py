"""A broker of the test's own that can be killed, and a bus on it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from dmarq.embedded import EmbeddedNats, temporary_data_dir
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected


@pytest.fixture
def broker() -> Iterator[EmbeddedNats]:
    """A NATS server; `broker.child.kill()` and `broker.start()` are a crash and a restart with the same data."""
    with temporary_data_dir() as data, EmbeddedNats(data) as server:
        yield server


@asynccontextmanager
async def bus_on(url: str) -> AsyncIterator[Bus]:
    """A connection of its own, as another process would have."""
    async with connected(url, name="test", stopping=asyncio.Event(), on_change=lambda _: None) as client:
        assert client is not None
        yield Bus(client)


@pytest.fixture
async def bus(broker: EmbeddedNats) -> AsyncIterator[Bus]:
    """A bus with everything of the topology on it."""
    async with bus_on(broker.url) as found:
        await found.ensure()
        yield found
