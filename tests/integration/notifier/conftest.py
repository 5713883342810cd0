"""The notifier's parts on a real database, with real receivers."""

from collections.abc import AsyncIterator, Iterator

import pytest

from notifier.sending.send import Sender
from tests.support.notifying import KEYS, MailSink, Receiver, mail_sink, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as opened:
        yield opened


@pytest.fixture
def sender() -> Sender:
    """One that may speak to the receivers on loopback."""
    return Sender(KEYS, allow_private=True)
