"""A stage hands batches to its handler, publishes what follows, then acknowledges; and stops without a loss."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from pipeline.contracts.limits import MiB
from pipeline.contracts.topology import EXTRACT, EXTRACTOR, PARSER
from pipeline.contracts.wire import Envelope
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.ensure import stream_config
from pipeline.runtime.stage import Later, Result
from tests.support.events import fetched, uid_of
from tests.support.handlers import Handler, extract
from tests.support.stages import (
    QUICK,
    count,
    everything,
    running,
    stage_of,
    until,
    until_count,
    with_ack_wait,
)

LARGE = b"x" * MiB


async def test_a_batch_is_handled_published_and_acknowledged(bus: Bus) -> None:
    handler = Handler()
    await bus.publish([fetched(uid) for uid in range(1, 31)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)

    assert sorted(uid_of(e.event) for e in await everything(bus, PARSER)) == list(range(1, 31))
    assert max(map(len, handler.batches)) == 10


async def test_results_are_stored_before_the_event_is_acknowledged(bus: Bus) -> None:
    await bus.js.update_stream(replace(stream_config(EXTRACT, replicas=1), max_msgs=1))
    await bus.publish([fetched(1), fetched(2)])
    async with running(bus, stage_of(extract)):
        await until_count(bus, "EXTRACT", 1)
        held = await count(bus, "MAIL")
        first = await everything(bus, PARSER)
        await until_count(bus, "MAIL", 0)

    assert held >= 1
    assert sorted(uid_of(e.event) for e in [*first, *await everything(bus, PARSER)]) == [1, 2]


async def test_a_bad_member_does_not_hold_up_the_others(bus: Bus) -> None:
    handler = Handler(uid3=[ValueError("no")] * 100)
    await bus.publish([fetched(uid) for uid in range(1, 9)])
    async with running(bus, stage_of(handler, concurrency=1)):
        await until_count(bus, "EXTRACT", 7)
        await until_count(bus, "MAIL", 0)

    assert sorted(uid_of(e.event) for e in await everything(bus, PARSER)) == [1, 2, 4, 5, 6, 7, 8]


async def test_a_member_that_has_to_wait_comes_again_and_holds_up_no_other(bus: Bus) -> None:
    put_off: list[int] = []

    async def handler(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        results = list(await extract(envelopes))
        for place, envelope in enumerate(envelopes):
            if uid_of(envelope.event) == 3 and len(put_off) < 5:
                put_off.append(3)
                results[place] = Later(0.05)
        return results

    await bus.publish([fetched(uid) for uid in range(1, 6)])
    async with running(bus, stage_of(handler, concurrency=1)):
        await until_count(bus, "MAIL", 0)

    stored = [uid_of(e.event) for e in await everything(bus, PARSER)]
    assert stored[-1] == 3
    assert sorted(stored) == [1, 2, 3, 4, 5]
    assert len(put_off) == 5


async def test_members_that_had_to_wait_often_come_together_still(bus: Bus) -> None:
    """One that ends the process would come alone: for these a mail server would be asked once for each."""
    rounds: list[int] = []
    waiting = True

    async def handler(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        rounds.append(len(envelopes))
        return [Later(0.3)] * len(envelopes) if waiting else await extract(envelopes)

    await bus.publish([fetched(uid) for uid in range(1, 6)])
    async with running(bus, replace(stage_of(handler, concurrency=1), linger=0.1)):
        await until(lambda: sum(rounds) >= 5 * (QUICK.alone_after + 3))
        waiting = False
        await until_count(bus, "MAIL", 0)

    assert len(rounds) < 5 * (QUICK.alone_after + 3) / 2


async def test_a_stop_finishes_what_is_in_hand(bus: Bus) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def held(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        started.set()
        await go_on.wait()
        return await extract(envelopes)

    await bus.publish([fetched(1)])
    async with running(bus, stage_of(held)) as stopping:
        await started.wait()
        stopping.set()
        go_on.set()

    assert await count(bus, "EXTRACT") == 1
    await until_count(bus, "MAIL", 0)


async def test_a_stop_while_events_arrive_loses_none(bus: Bus) -> None:
    stage = stage_of(extract, consumer=with_ack_wait(EXTRACTOR, 0.5))
    for uid in range(1, 6):
        async with running(bus, stage):
            await bus.publish([fetched(uid)])
    async with running(bus, stage):
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "EXTRACT") == 5


async def test_large_mails_are_handled_in_portions_that_fit_into_memory(bus: Bus) -> None:
    handler = Handler()
    await bus.publish([fetched(uid, LARGE) for uid in range(7)])
    async with running(bus, replace(stage_of(handler, concurrency=1), batch_bytes=2 * MiB)):
        await until_count(bus, "MAIL", 0)

    assert handler.batches == [[0], [1, 2], [3, 4], [5, 6]]


async def test_released_bytes_are_gone_when_the_last_event_about_them_is_done(bus: Bus) -> None:
    async def done(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [[] for _ in envelopes]

    await bus.publish([fetched(1, LARGE)])
    async with running(bus, stage_of(extract)), running(bus, stage_of(done, consumer=PARSER)):
        await until_count(bus, "MAIL", 0)
        await until_count(bus, "EXTRACT", 0)
        await until_count(bus, "OBJ_blob", 0)


async def test_the_work_goes_on_when_the_consumer_was_deleted(bus: Bus) -> None:
    async with running(bus, stage_of(extract)):
        await bus.publish([fetched(1)])
        await until_count(bus, "EXTRACT", 1)
        await bus.js.delete_consumer("MAIL", "extractor")
        await bus.publish([fetched(2)])
        await until_count(bus, "EXTRACT", 2)
