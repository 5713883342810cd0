"""An object store that is full holds up what needs it, and nothing else."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest

from pipeline.contracts import topology
from pipeline.contracts.limits import KiB, MiB
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.wire import Envelope, Parcel
from pipeline.errors import StoreFull
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.lag import blob_store
from pipeline.runtime.runner import StageRunner
from pipeline.runtime.stage import Result, Stage
from tests.support.extracted import FETCHED_AT, HANDLING, extracted, mail_ref
from tests.support.stages import QUICK


def incoming(uid: int, size: int) -> Envelope:
    event = MailFetched(mail=mail_ref(uid), handling=HANDLING, size=size, fetched_at=FETCHED_AT)
    return Envelope(event, (Parcel.of(b"x" * size),))


async def shrink(bus: Bus, size: int) -> None:
    config = (await bus.js.stream_info(topology.BLOB_STREAM)).config
    await bus.js.update_stream(config.evolve(max_bytes=size))


async def fill(bus: Bus) -> None:
    """To the last byte, as far as pieces of 64 KiB can."""
    with suppress(StoreFull):
        for number in count():
            await bus.blobs.put(f"filler-{number}", bytes(64 * KiB))


async def test_new_email_leaves_an_eighth_of_the_store_to_what_is_on_its_way(bus: Bus) -> None:
    await shrink(bus, 8 * MiB)
    for uid in range(1, 8):
        await bus.publish([incoming(uid, MiB - 64 * KiB)])

    with pytest.raises(StoreFull):
        await bus.publish([incoming(8, MiB)])
    await bus.publish([incoming(9, 100 * KiB)])
    document = b"x" * (600 * KiB)
    following = replace(extracted(1, "<feedback>"), cargo=(Parcel.of(document), Parcel.of(b"")))
    await bus.publish([following])

    assert await bus.count(topology.MAIL) == 8
    assert await bus.count(topology.EXTRACT) == 1


async def test_bytes_can_be_removed_from_a_store_that_is_full_to_the_last(bus: Bus) -> None:
    await shrink(bus, MiB)
    await fill(bus)
    before = (await blob_store(bus.js)).held

    await bus.blobs.delete("filler-1")

    assert before - (await blob_store(bus.js)).held > 64 * KiB
    await bus.blobs.put("again", bytes(60 * KiB))


async def test_an_event_that_waits_for_room_holds_up_no_other(bus: Bus) -> None:
    await shrink(bus, MiB)
    await fill(bus)
    await bus.publish([incoming(uid, 10) for uid in (1, 2, 3)])
    tries: list[int] = []

    async def handle(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [[following(envelope)] for envelope in envelopes]

    def following(envelope: Envelope) -> Envelope:
        assert isinstance(envelope.event, MailFetched)
        uid = envelope.event.mail.uid
        tries.append(uid)
        size = 500 * KiB if uid == 1 else 10
        return replace(extracted(uid, "<feedback>"), cargo=(Parcel.of(b"x" * size), Parcel.of(b"")))

    stopping = asyncio.Event()
    stage = Stage(topology.EXTRACTOR, handle, policy=replace(QUICK, later_delays=(0.1,)))
    running = asyncio.create_task(StageRunner(bus, stage, stopping).run())
    async with asyncio.timeout(20):
        while await bus.count(topology.EXTRACT) < 2 or tries.count(1) < 3:  # noqa: ASYNC110 the broker does not tell
            await asyncio.sleep(0.05)
        await shrink(bus, 8 * MiB)
        while await bus.count(topology.EXTRACT) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    stopping.set()
    await running

    assert await bus.count(topology.MAIL) == 0
    assert await bus.count(topology.DEAD) == 0
