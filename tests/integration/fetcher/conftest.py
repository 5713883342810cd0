"""A broker of the test's own, which can be killed, and a bus on it; providers of tokens for mailboxes."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from dmarq.embedded import EmbeddedNats, temporary_data_dir
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected
from tests.support.dovecot import Dovecot, User
from tests.support.providing import Provider, providing


@pytest.fixture
def broker() -> Iterator[EmbeddedNats]:
    """A NATS server; `broker.child.kill()` and `broker.start()` are a crash and a restart with the same data."""
    with temporary_data_dir() as data, EmbeddedNats(data) as server:
        yield server


@pytest.fixture
async def bus(broker: EmbeddedNats) -> AsyncIterator[Bus]:
    """A bus with everything of the topology on it."""
    client_of = connected(broker.url, name="test", stopping=asyncio.Event(), on_change=lambda _: None)
    async with client_of as client:
        assert client is not None
        opened = Bus(client)
        await opened.ensure()
        yield opened


@pytest.fixture
async def provider(nats_url: str, dovecot: Dovecot, user: User) -> AsyncIterator[Provider]:
    async with providing(nats_url, dovecot, user) as found:
        yield found


@pytest.fixture
async def rotating(nats_url: str, dovecot: Dovecot, user: User) -> AsyncIterator[Provider]:
    async with providing(nats_url, dovecot, user, rotates=True) as found:
        yield found
