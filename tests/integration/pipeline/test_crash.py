"""The broker dies and comes back in the middle of the work."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from dmarq.embedded import EmbeddedNats
from pipeline.contracts.mailbox import Mailbox, MailboxSettings
from pipeline.contracts.topology import EXTRACTOR, PARSER
from pipeline.contracts.wire import Envelope
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.mailboxes import MailboxBucket, seal
from pipeline.runtime.stage import Result
from pipeline.secrets import Keyring
from tests.integration.pipeline.conftest import bus_on
from tests.support.events import extracted, fetched, uid_of
from tests.support.keys import ONE_KEY
from tests.support.stages import count, everything, running, stage_of, until, until_count, with_ack_wait

MAILS = 400
KEYS = Keyring(ONE_KEY)


def crash(broker: EmbeddedNats) -> None:
    assert broker.child is not None
    broker.child.kill()
    broker.start()


async def publish_all(bus: Bus) -> None:
    """As a fetcher does: batch by batch, each until it is confirmed."""
    for start in range(0, MAILS, 20):
        while True:
            try:
                await bus.publish([fetched(uid, b"m" * 2000) for uid in range(start, start + 20)])
                break
            except TryLater:
                await asyncio.sleep(0.1)


async def test_a_broker_killed_and_restarted_in_the_middle_loses_nothing_and_doubles_nothing(
    bus: Bus, broker: EmbeddedNats
) -> None:
    handled: list[int] = []

    async def slowly(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        handled.extend(uid_of(e.event) for e in envelopes)
        await asyncio.sleep(0.02)
        return [[extracted(envelope, b"document")] for envelope in envelopes]

    async with running(bus, stage_of(slowly, consumer=with_ack_wait(EXTRACTOR, 2.0))):
        publishing = asyncio.create_task(publish_all(bus))
        for part in (4, 2):
            await until(lambda part=part: len(handled) > MAILS // part)  # type: ignore[misc]
            crash(broker)
        await publishing
        await until_count(bus, "MAIL", 0)

    assert sorted(uid_of(e.event) for e in await everything(bus, PARSER)) == list(range(MAILS))
    assert await count(bus, "DEAD") == 0


async def test_a_stop_while_the_broker_is_away_comes_to_an_end(bus: Bus, broker: EmbeddedNats) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def held(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        started.set()
        await go_on.wait()
        return [[extracted(envelope)] for envelope in envelopes]

    await bus.publish([fetched(1)])
    async with running(bus, stage_of(held)):
        await started.wait()
        assert broker.child is not None
        broker.child.kill()
        await until(lambda: not bus.client.is_connected)
        go_on.set()


async def test_a_stage_starts_when_the_broker_comes(bus: Bus, broker: EmbeddedNats) -> None:
    async def extract(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [[extracted(envelope)] for envelope in envelopes]

    await bus.publish([fetched(1)])
    assert broker.child is not None
    broker.child.kill()
    await until(lambda: not bus.client.is_connected)
    async with running(bus, stage_of(extract)):
        await asyncio.sleep(0.2)
        broker.start()
        async with bus_on(broker.url) as other:
            await until_count(other, "MAIL", 0)
            assert await count(other, "EXTRACT") == 1


async def test_a_watcher_of_the_mailboxes_hears_of_changes_after_a_crash(bus: Bus, broker: EmbeddedNats) -> None:
    first = Mailbox(id="one", version=1, settings=MailboxSettings(name="One", host="imap.example.com", username="u"))
    bucket = MailboxBucket(bus.js, KEYS)
    await bucket.put(seal(first, KEYS))
    heard: list[tuple[str, int]] = []

    async def watch() -> None:
        async for change in bucket.changes():
            heard.append((change.id, change.mailbox.version if change.mailbox else 0))

    watching = asyncio.create_task(watch())
    try:
        await until(lambda: heard == [("one", 1)])
        crash(broker)
        async with bus_on(broker.url) as other:
            await MailboxBucket(other.js, KEYS).put(seal(first.model_copy(update={"version": 2}), KEYS))
        await until(lambda: ("one", 2) in heard, within=60)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_everything_is_made_again_on_a_broker_that_lost_its_disk(bus: Bus) -> None:
    """The streams are gone; the consumers of a running stage find them again once they are ensured."""

    async def extract(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [[extracted(envelope)] for envelope in envelopes]

    async with running(bus, replace(stage_of(extract), concurrency=1)):
        await bus.publish([fetched(1)])
        await until_count(bus, "EXTRACT", 1)
        for stream in ("MAIL", "EXTRACT"):
            await bus.js.delete_stream(stream)
        await bus.ensure()
        await bus.publish([fetched(2)])
        await until_count(bus, "EXTRACT", 1)
        await until_count(bus, "MAIL", 0)
