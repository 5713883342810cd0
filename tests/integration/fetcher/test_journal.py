"""The journal: bounded while it cannot be published, complete while it can."""

import asyncio

from dmarq.embedded import EmbeddedNats
from fetcher.journal import MAX_ITEMS, MAX_TEXT, MAX_WAITING, Journal
from pipeline.contracts.events import ActivityLogged
from pipeline.contracts.topology import EVENT
from pipeline.jetstream.bus import Bus
from tests.support.fetching import told


async def published(journal: Journal) -> None:
    stopping = asyncio.Event()
    stopping.set()
    await journal.run(stopping)


async def test_lines_are_published_in_order_and_without_too_much_in_them(bus: Bus) -> None:
    journal = Journal(bus)
    facts = {"text": "x" * 9999, "half": "\ud800", "list": range(3), "uids": list(range(9999)), "none": None, "n": 1.5}
    for name in ("first", "second", "third"):
        journal.imap("reports", "info", name, facts)
    await published(journal)

    lines = await told(bus, ActivityLogged)
    assert [line.name for line in lines] == ["first", "second", "third"]
    data = lines[0].data
    assert len(str(data["text"])) == MAX_TEXT
    assert data["uids"] == list(range(MAX_ITEMS))
    assert (data["half"], data["list"], data["none"], data["n"]) == ("?", "range(0, 3)", None, 1.5)


async def test_too_many_lines_are_dropped_and_not_kept(bus: Bus) -> None:
    journal = Journal(bus)
    for number in range(MAX_WAITING + 50):
        journal.imap("reports", "debug", "command", {"number": number})
    await published(journal)
    assert await bus.count(EVENT) == MAX_WAITING


async def test_lines_wait_for_a_broker_that_is_away(broker: EmbeddedNats, bus: Bus) -> None:
    journal, stopping = Journal(bus), asyncio.Event()
    running = asyncio.create_task(journal.run(stopping))
    assert broker.child is not None
    broker.child.kill()
    journal.imap("reports", "info", "first", {})
    await asyncio.sleep(0.3)
    broker.start()
    async with asyncio.timeout(30):
        while not bus.client.is_connected or await bus.count(EVENT) < 1:  # noqa: ASYNC110 the broker does not tell
            await asyncio.sleep(0.05)
    stopping.set()
    await running


async def test_a_stop_does_not_wait_for_a_broker_that_is_away(broker: EmbeddedNats, bus: Bus) -> None:
    journal = Journal(bus)
    broker.stop()
    journal.imap("reports", "info", "lost", {})
    async with asyncio.timeout(30):
        await published(journal)
    broker.start()
