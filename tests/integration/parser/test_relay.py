"""What is committed is published, at least once, and only then forgotten."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import nats
import pytest

from parser import relay as relay_module
from parser.handler import ParserHandler
from parser.relay import Relay
from parser.storage import outbox
from pipeline.contracts.events import ReportStored
from pipeline.contracts.mail_events import MailCommand, Outcome
from pipeline.contracts.mailbox import Action
from pipeline.contracts.wire import Envelope, decode, encode
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted, mail_ref
from tests.support.fixtures_postgres import values
from tests.support.proxy import FaultyProxy
from tests.support.reports import RECORD, changed, report_xml


class KilledHere(Exception):
    """Where the process ends."""


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    client = await nats.connect(nats_url)
    opened = Bus(client)
    await opened.ensure()
    yield opened
    await client.close()


async def count(bus: Bus, stream: str) -> int:
    return (await bus.js.stream_info(stream)).state.messages


async def test_nothing_is_on_the_bus_before_the_commit_and_everything_after_it(
    parser: ParserHandler, postgres: Database, bus: Bus
) -> None:
    await parser([extracted(1, report_xml(records=RECORD * 3))])
    assert (await count(bus, "COMMAND"), await count(bus, "REPORT")) == (0, 0)

    await Relay(postgres, bus).publish_all()

    published = await bus.js.get_msg("COMMAND", 1)
    command = decode(published.headers or {}, published.data or b"").event
    assert isinstance(command, MailCommand)
    assert (command.mail, command.folder) == (mail_ref(1), "Done")
    stored = await bus.js.get_msg("REPORT", 1)
    assert stored.subject == "report.stored.aggregate.example_com"
    report = decode(stored.headers or {}, stored.data or b"").event
    assert isinstance(report, ReportStored)
    assert (report.org_name, report.records, report.messages) == ("Example Receiver", 3, 9)
    assert (len(report.rows), report.rows_complete) == (2, False)
    assert report.link == f"https://dmarq.example/api/v1/reports/{report.id}"
    assert report.rows[0]["source_ip"] == "192.0.2.1"
    assert await values(postgres, "SELECT count(*) FROM outbox") == [0]


async def test_a_transaction_that_fails_announces_nothing(postgres: Database, bus: Bus) -> None:
    command = MailCommand(mail=mail_ref(1), outcome=Outcome.IMPORTED, action=Action.MARK_READ)

    async def fail() -> None:
        async with postgres.transaction() as connection:
            await outbox.put(connection, [encode(Envelope(command))])
            raise KilledHere

    with pytest.raises(KilledHere):
        await fail()
    await Relay(postgres, bus).publish_all()

    assert await count(bus, "COMMAND") == 0


async def test_what_was_published_but_not_forgotten_is_published_again_without_effect(
    parser: ParserHandler, postgres: Database, bus: Bus
) -> None:
    await parser([extracted(1, report_xml())])

    async def publish_and_die() -> None:
        async with postgres.transaction() as connection:
            await bus.publish_wires(await outbox.take(connection, 10))
            raise KilledHere

    with pytest.raises(KilledHere):
        await publish_and_die()
    await Relay(postgres, bus).publish_all()

    assert (await count(bus, "COMMAND"), await count(bus, "REPORT")) == (1, 1)
    assert await values(postgres, "SELECT count(*) FROM outbox") == [0]


async def test_two_relays_at_once_publish_everything(parser: ParserHandler, postgres: Database, bus: Bus) -> None:
    await parser([extracted(uid, changed("r-1", f"r-{uid}")) for uid in range(1, 401)])

    await asyncio.gather(*(Relay(postgres, bus).publish_all() for _ in range(2)))

    assert (await count(bus, "COMMAND"), await count(bus, "REPORT")) == (400, 400)
    assert await values(postgres, "SELECT count(*) FROM outbox") == [0]


async def test_while_the_broker_is_away_events_stay_in_the_outbox(
    parser: ParserHandler, postgres: Database, nats_url: str, bus: Bus
) -> None:
    address = urlsplit(nats_url)
    assert address.port is not None
    await parser([extracted(1, report_xml())])
    async with FaultyProxy(port=address.port) as proxy:
        through = nats_url.replace(f":{address.port}", f":{proxy.port}")
        client = await nats.connect(through, allow_reconnect=False)
        relay = Relay(postgres, Bus(client))
        proxy.refuse()

        with pytest.raises(TryLater, match="nats"):
            await relay.publish_all()

    assert await values(postgres, "SELECT count(*) FROM outbox") == [2]
    await Relay(postgres, bus).publish_all()
    assert await count(bus, "COMMAND") == 1


async def test_a_running_relay_publishes_when_it_is_woken_and_once_more_at_its_end(
    parser: ParserHandler, postgres: Database, bus: Bus
) -> None:
    relay = Relay(postgres, bus)
    finish = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(finish))
        await parser([extracted(1, report_xml())])
        relay.wake()
        while await count(bus, "COMMAND") < 1:  # noqa: ASYNC110 - the broker has no event for it
            await asyncio.sleep(0.01)
        await parser([extracted(2, changed("r-1", "r-2"))])
        finish.set()

    assert await count(bus, "COMMAND") == 2


async def test_an_idle_relay_finds_by_itself_what_another_process_left(
    parser: ParserHandler, postgres: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "IDLE", 0.05)
    finish = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Relay(postgres, bus).run(finish))
        for number in (1, 2):
            await asyncio.sleep(0.1)  # it has looked, and found nothing
            await parser([extracted(number, changed("r-1", f"r-{number}"))])
            while await count(bus, "COMMAND") < number:  # noqa: ASYNC110 - the broker has no event for it
                await asyncio.sleep(0.01)
        finish.set()

    assert await values(postgres, "SELECT count(*) FROM outbox") == [0]


async def test_no_more_than_the_limit_is_taken_when_the_statistics_say_that_the_outbox_is_empty(
    postgres: Database,
) -> None:
    many = [
        encode(Envelope(MailCommand(mail=mail_ref(n), outcome=Outcome.IMPORTED, action=Action.MARK_READ)))
        for n in range(300)
    ]
    async with postgres.connection() as connection:
        await outbox.put(connection, many)
        await connection.execute("DELETE FROM outbox")
        await connection.execute("VACUUM (ANALYZE, TRUNCATE false) outbox")
        await outbox.put(connection, many)

        taken = await outbox.take(connection, 100)

    assert len(taken) == 100
    assert await values(postgres, "SELECT count(*) FROM outbox") == [200]
