import asyncio
from dataclasses import replace

import pytest
from nats.errors import BadSubjectError, MaxPayloadError
from nats.js.api import RetentionPolicy

from dmarq.embedded import EmbeddedNats
from pipeline.contracts import topology
from pipeline.contracts.limits import KiB
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.reasons import Reason
from pipeline.contracts.topology import EXTRACTOR, PARSER
from pipeline.contracts.wire import Envelope, Wire, decode, encode
from pipeline.errors import Rejected, TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.ensure import TopologyError, stream_config
from tests.integration.pipeline.conftest import bus_on
from tests.support.events import SAMPLES, extracted, fetched, uid_of
from tests.support.stages import count, everything, until

LARGE = bytes(range(256)) * 4 * 1024 * 5  # 5 MiB: three chunks in the object store


async def test_ensuring_twice_changes_nothing(bus: Bus) -> None:
    before = [(await bus.js.stream_info(stream.name)).config for stream in topology.STREAMS]
    await bus.ensure()

    assert [(await bus.js.stream_info(stream.name)).config for stream in topology.STREAMS] == before


async def test_a_changed_declaration_takes_effect_at_the_next_ensure(bus: Bus) -> None:
    old = stream_config(replace(topology.EVENT, max_age=60.0, max_bytes=1000), replicas=1)
    await bus.js.update_stream(replace(old, duplicate_window=10))
    lease = (await bus.js.stream_info("KV_lease")).config
    await bus.js.update_stream(replace(lease, max_age=5.0, duplicate_window=5.0))
    consumer = (await bus.js.consumer_info("MAIL", "extractor")).config
    await bus.js.add_consumer("MAIL", replace(consumer, ack_wait=99))
    await bus.ensure()

    event = (await bus.js.stream_info("EVENT")).config
    assert (event.max_age, event.max_bytes) == (topology.EVENT.max_age, topology.EVENT.max_bytes)
    assert (await bus.js.stream_info("KV_lease")).config.max_age == topology.LEASE_BUCKET.max_age
    assert (await bus.js.consumer_info("MAIL", "extractor")).config.ack_wait == EXTRACTOR.ack_wait


async def test_several_services_may_ensure_at_once(broker: EmbeddedNats) -> None:
    async with bus_on(broker.url) as one, bus_on(broker.url) as two:
        await asyncio.gather(one.ensure(), two.ensure(), one.ensure())

        assert await count(one, "MAIL") == 0


async def test_a_declaration_that_the_broker_refuses_is_said_clearly(broker: EmbeddedNats) -> None:
    async with bus_on(broker.url) as bus:
        wrong = replace(stream_config(topology.MAIL, replicas=1), retention=RetentionPolicy.LIMITS)
        await bus.js.add_stream(wrong)

        with pytest.raises(TopologyError, match="stream MAIL"):
            await bus.ensure()


async def test_publishing_the_same_fact_twice_stores_it_once(bus: Bus) -> None:
    await bus.publish([fetched(1), fetched(2)])
    await bus.publish([fetched(2), fetched(3)])

    assert [uid_of(e.event) for e in await everything(bus, EXTRACTOR)] == [1, 2, 3]


async def test_every_event_is_taken_by_a_stream(bus: Bus) -> None:
    await bus.publish([Envelope(event) for event in SAMPLES])

    assert sum([await count(bus, stream.name) for stream in topology.STREAMS]) == len(SAMPLES)


async def test_small_cargo_travels_with_the_event_and_large_cargo_in_the_object_store(bus: Bus) -> None:
    kept = await bus.publish([extracted(fetched(1, b"mail"), LARGE, b"small"), extracted(fetched(2, b"m"), b"d")])
    first, second = await everything(bus, PARSER)

    assert kept == {first.cargo[1].blob}
    assert [parcel.data for parcel in first.cargo] == [b"mail", LARGE, b"small"]
    assert [parcel.blob for parcel in second.cargo] == [None, None]


async def test_as_much_cargo_as_possible_stays_inline(bus: Bus) -> None:
    await bus.publish([extracted(fetched(1, b"m" * 100 * KiB), b"a" * 200 * KiB, b"b" * 100 * KiB)])
    (found,) = await everything(bus, PARSER)

    assert [parcel.blob is None for parcel in found.cargo] == [True, False, True]


async def test_an_empty_parcel_comes_back_empty(bus: Bus) -> None:
    await bus.publish([extracted(fetched(1, b""), b"")])
    (found,) = await everything(bus, PARSER)

    assert [parcel.data for parcel in found.cargo] == [b"", b""]


async def test_released_blobs_are_gone_but_for_those_still_needed(bus: Bus) -> None:
    await bus.publish([fetched(1, LARGE), fetched(2, LARGE)])
    first, second = await everything(bus, EXTRACTOR)
    kept = await bus.publish([extracted(second)])
    await bus.release(first, kept=kept)
    await bus.release(second, kept=kept)
    await bus.release(first, kept=kept)

    with pytest.raises(Rejected) as caught:
        await bus.blobs.get(first.cargo[0].blob or "")
    assert caught.value.reason is Reason.BLOB_MISSING
    assert await bus.blobs.get(second.cargo[0].blob or "") == LARGE


async def test_a_missing_blob_is_refused_only_when_its_bytes_are_needed(bus: Bus) -> None:
    await bus.publish([fetched(1, LARGE)])
    (found,) = await everything(bus, EXTRACTOR)
    await bus.blobs.delete(found.cargo[0].blob or "")
    again = await bus.loaded(decode(*_wire_of(replace(found, cargo=(replace(found.cargo[0], data=None),)))))

    assert again.event == found.event
    with pytest.raises(Rejected) as caught:
        _ = again.cargo[0].bytes
    assert caught.value.reason is Reason.BLOB_MISSING


async def test_a_blob_of_another_size_than_declared_is_not_loaded(bus: Bus) -> None:
    await bus.blobs.put("b", LARGE)

    with pytest.raises(Rejected):
        await bus.blobs.get("b", size=10)


async def test_a_blob_put_again_replaces_the_bytes(bus: Bus) -> None:
    await bus.blobs.put("b", LARGE)
    await bus.blobs.put("b", b"other")

    assert await bus.blobs.get("b") == b"other"


async def test_a_full_stream_says_try_later_and_takes_events_when_there_is_room(bus: Bus) -> None:
    await bus.js.update_stream(replace(stream_config(topology.MAIL, replicas=1), max_msgs=2))
    await bus.publish([fetched(1), fetched(2)])
    with pytest.raises(TryLater) as caught:
        await bus.publish([fetched(3)])
    first = await everything(bus, EXTRACTOR)
    await bus.publish([fetched(3)])

    assert "full" in caught.value.detail
    assert [uid_of(e.event) for e in [*first, *await everything(bus, EXTRACTOR)]] == [1, 2, 3]


async def test_an_event_larger_than_the_broker_takes_is_a_mistake_and_not_a_wait(bus: Bus) -> None:
    headers = {"Dmarq-Event": "x" * 1000}
    with pytest.raises(MaxPayloadError):
        await bus.publish_wires([Wire("mail.fetched.m", headers, b"x" * (topology.MAX_PAYLOAD_BYTES - 500))])

    await bus.publish([fetched(1)])  # the connection has survived it
    assert await count(bus, "MAIL") == 1


async def test_a_subject_that_is_none_is_a_mistake_and_not_a_wait(bus: Bus) -> None:
    with pytest.raises(BadSubjectError):
        await bus.publish_wires([Wire("mail.fetched.a b", {}, b"")])


async def test_an_event_with_thousands_of_lines_travels(bus: Bus) -> None:
    small = extracted(fetched(1, b"mail"), b"document")
    lines = tuple({"path": str(n), "name": "ä" * 50, "outcome": "ignored"} for n in range(3000))
    event = MailExtracted.model_validate(small.event.model_dump() | {"lines": lines})
    await bus.publish([Envelope(event, small.cargo)])
    (found,) = await everything(bus, PARSER)

    assert found == Envelope(event, small.cargo)


async def test_a_broker_that_is_away_says_try_later_at_once(bus: Bus, broker: EmbeddedNats) -> None:
    assert broker.child is not None
    broker.child.kill()
    await until(lambda: not bus.client.is_connected)

    with pytest.raises(TryLater):
        await bus.publish([fetched(1)])
    with pytest.raises(TryLater):
        await bus.subscribe(EXTRACTOR)


async def test_the_first_event_is_handed_out_without_waiting_for_a_full_batch(bus: Bus) -> None:
    subscription = await bus.subscribe(EXTRACTOR)
    take = asyncio.create_task(subscription.take(100, wait=3600.0))
    await asyncio.sleep(0.2)
    await bus.publish([fetched(1)])

    assert len(await asyncio.wait_for(take, 10)) == 1


async def test_a_cancelled_take_loses_nothing(bus: Bus) -> None:
    subscription = await bus.subscribe(EXTRACTOR)
    take = asyncio.create_task(subscription.take(100, wait=3600.0))
    await asyncio.sleep(0.2)
    take.cancel()
    await asyncio.gather(take, return_exceptions=True)
    await bus.publish([fetched(1), fetched(2)])  # the broker still owes the cancelled request an event
    await subscription.close()

    assert sorted(uid_of(e.event) for e in await everything(bus, EXTRACTOR)) == [1, 2]


async def test_what_came_after_a_cancelled_take_comes_with_the_next(bus: Bus) -> None:
    subscription = await bus.subscribe(EXTRACTOR)
    take = asyncio.create_task(subscription.take(100, wait=3600.0))
    await asyncio.sleep(0.2)
    take.cancel()
    await asyncio.gather(take, return_exceptions=True)
    await bus.publish([fetched(1), fetched(2)])
    await asyncio.sleep(0.1)
    found = [*await subscription.take(100, wait=1.0), *await subscription.take(100, wait=1.0)]

    assert sorted(d.deliveries for d in found) == [1, 1]


async def test_events_that_follow_while_a_take_lingers_come_with_the_first(bus: Bus) -> None:
    subscription = await bus.subscribe(EXTRACTOR)
    take = asyncio.create_task(subscription.take(3, wait=3600.0, linger=3600.0))
    await bus.publish([fetched(1)])
    await asyncio.sleep(0.2)
    assert not take.done()
    await bus.publish([fetched(2), fetched(3)])

    assert len(await asyncio.wait_for(take, 10)) == 3


async def test_a_take_lingers_for_its_time_only(bus: Bus) -> None:
    subscription = await bus.subscribe(EXTRACTOR)
    await bus.publish([fetched(1)])

    assert len(await asyncio.wait_for(subscription.take(100, wait=3600.0, linger=0.1), 10)) == 1


async def test_a_take_that_is_cancelled_while_it_lingers_loses_nothing(bus: Bus) -> None:
    subscription = await bus.subscribe(EXTRACTOR)
    await bus.publish([fetched(1)])
    take = asyncio.create_task(subscription.take(100, wait=3600.0, linger=3600.0))
    await asyncio.sleep(0.2)
    take.cancel()
    await asyncio.gather(take, return_exceptions=True)
    await bus.publish([fetched(2)])  # goes to the cancelled request
    await asyncio.sleep(0.1)

    assert [d.deliveries for d in await subscription.take(2, wait=1.0)] == [1, 1]


async def test_a_take_of_a_consumer_that_is_gone_says_try_later(bus: Bus) -> None:
    subscription = await bus.subscribe(EXTRACTOR)
    await bus.js.delete_consumer("MAIL", "extractor")

    with pytest.raises(TryLater):
        await subscription.take(10, wait=1.0)


def _wire_of(envelope: Envelope) -> tuple[dict[str, str], bytes]:
    wire = encode(envelope)
    return wire.headers, wire.payload
