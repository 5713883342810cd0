"""What holds when parts of the pipeline are away or killed: each test has servers and services of its own."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dmarq.embedded import EmbeddedNats, EmbeddedPostgres, temporary_data_dir
from dmarq.samples import make_mails, total
from pipeline.contracts import topology
from pipeline.contracts.mailbox import Mailbox
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.ensure import stream_config
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import until_let_go
from tests.support.site import PIPELINE, Inspector, Site, running_site

ROOM = 60  # events in a stream


@dataclass(frozen=True, slots=True)
class Fragile:
    """A pipeline whose servers may be stopped and whose services may be killed."""

    site: Site
    nats: EmbeddedNats
    postgres: EmbeddedPostgres


@pytest.fixture
def fragile(dovecot: Dovecot, tmp_path: Path) -> Iterator[Fragile]:
    with (
        temporary_data_dir() as nats_data,
        temporary_data_dir() as postgres_data,
        EmbeddedNats(nats_data) as nats,
        EmbeddedPostgres(postgres_data, durable=False) as postgres,
        running_site(dovecot, nats_url=nats.url, database_url=postgres.url, logs=tmp_path) as site,
    ):
        yield Fragile(site, nats, postgres)


async def test_no_mail_is_touched_before_its_reports_are_in_the_database(fragile: Fragile, user: User) -> None:
    mails = list(make_mails(60, 800))
    expected = total(mails)
    user.deliver(*[sample.raw for sample in mails])
    async with fragile.site.opened() as inspector:
        fragile.postgres.stop()
        mailbox = await inspector.work_for(user)
        async with asyncio.timeout(30):
            while await inspector.bus.count(topology.EXTRACT) < len(mails):  # noqa: ASYNC110 the broker does not tell
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert await inspector.bus.count(topology.COMMAND) == 0
        assert not any(mail.flags for mail in user.stored())

    fragile.postgres.start()
    async with fragile.site.opened() as inspector:
        await inspector.until_done(mailbox, len(mails))
        assert await inspector.figures(mailbox) == (expected.reports, expected.records, expected.messages)
        acted = (await inspector.action_states(mailbox)).get("done", 0)
    assert sum(mail.seen for mail in user.stored()) == acted > 0


async def test_killed_services_lose_nothing_and_double_nothing(fragile: Fragile, user: User) -> None:
    mails = list(make_mails(500, 900))
    expected = total(mails)
    user.deliver(*[sample.raw for sample in mails])
    running = fragile.site.services.running
    async with fragile.site.opened() as inspector:
        for stream in (topology.MAIL, topology.EXTRACT):
            await inspector.bus.js.update_stream(stream_config(replace(stream, max_events=ROOM), replicas=1))
        mailbox = await inspector.work_for(user, on_processed={"action": "move", "folder": "Done"})
        await _until_more_in_ledger(inspector, mailbox)
        running["parser"].kill()
        for stream in (topology.EXTRACT, topology.MAIL):  # so the next to be killed have mails in hand that do not fit
            await _until_full(inspector.bus, stream)
        running["extractor"].kill()
        running["fetcher"].kill()
        assert await inspector.value("SELECT count(*) FROM mail") < expected.mails - ROOM

        await _let_leases_run_out(inspector.bus, mailbox)
        for service in PIPELINE:
            fragile.site.services.start(service, name=f"second-{service}", ready=False)
        await _until_more_in_ledger(inspector, mailbox)
        await _hand_out_again_soon(inspector.bus, mailbox)
        await inspector.until_done(mailbox, expected.mails)

        outcomes = {outcome.value: count for outcome, count in expected.outcomes.items() if count}
        assert await inspector.outcomes(mailbox) == outcomes
        assert await inspector.figures(mailbox) == (expected.reports, expected.records, expected.messages)
    moved = Counter(mail.raw for mail in user.stored("Done"))
    stayed = Counter(mail.raw for mail in user.stored())
    assert moved + stayed == Counter(sample.raw for sample in mails)
    assert moved.total() == outcomes["imported"] + outcomes.get("duplicate", 0)


async def _until_more_in_ledger(inspector: Inspector, mailbox: Mailbox) -> None:
    in_ledger = "SELECT count(*) FROM mail WHERE mailbox_id = $1"
    before = await inspector.value(in_ledger, mailbox.id)
    async with asyncio.timeout(60):
        while await inspector.value(in_ledger, mailbox.id) == before:  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.002)


async def _until_full(bus: Bus, stream: topology.Stream) -> None:
    async with asyncio.timeout(60):
        while await bus.count(stream) < ROOM:  # noqa: ASYNC110 the broker does not tell
            await asyncio.sleep(0.02)


async def _let_leases_run_out(bus: Bus, mailbox: Mailbox) -> None:
    """A dead holder's lease, without waiting its half minute."""
    config = (await bus.js.stream_info("KV_lease")).config
    await bus.js.update_stream(config.evolve(max_age=1.0, duplicate_window=1.0))
    await until_let_go(bus, mailbox)


async def _hand_out_again_soon(bus: Bus, mailbox: Mailbox) -> None:
    """What the killed ones had in hand, without waiting half a minute either."""
    for consumer in (topology.EXTRACTOR, topology.PARSER, topology.RECORDER, topology.actor(mailbox.id)):
        config = (await bus.js.consumer_info(consumer.stream, consumer.name)).config
        await bus.js.add_consumer(consumer.stream, config.evolve(ack_wait=2.0))
