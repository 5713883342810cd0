"""Events that are tried again: after a bug, while a dependency is away, when a process ended."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from pipeline.contracts.dead_letter import history_of
from pipeline.contracts.topology import EXTRACTOR, PARSER
from pipeline.contracts.wire import Envelope
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.runtime.stage import Result
from tests.support.events import fetched, uid_of
from tests.support.handlers import Handler, dead_wires
from tests.support.stages import (
    QUICK,
    count,
    everything,
    handed_out,
    running,
    stage_of,
    until,
    until_count,
    with_ack_wait,
)


async def test_a_bug_is_tried_again_some_times_and_then_dead(bus: Bus) -> None:
    handler = Handler(uid1=[KeyError("x")] * 100)
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "DEAD", 1)
        await until_count(bus, "MAIL", 0)
    (letter,) = await dead_wires(bus)

    assert handler.tries == {1: len(QUICK.bug_delays) + 1}
    assert history_of(letter.headers).detail.startswith("KeyError: 'x' < handlers.py")


async def test_a_bug_that_passes_leaves_no_dead_letter(bus: Bus) -> None:
    handler = Handler(uid1=[KeyError("x")])
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "EXTRACT") == 1
    assert await count(bus, "DEAD") == 0


async def test_redeliveries_for_other_causes_do_not_count_as_bugs(bus: Bus) -> None:
    await bus.publish([fetched(1)])
    await handed_out(bus, EXTRACTOR, 4)
    handler = Handler(uid1=[KeyError("x")])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)

    assert handler.tries == {1: 2}
    assert await count(bus, "DEAD") == 0


async def test_a_handler_that_gives_too_few_results_acknowledges_nothing(bus: Bus) -> None:
    async def forgetful(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return []

    await bus.publish([fetched(1)])
    async with running(bus, stage_of(forgetful)):
        await until_count(bus, "DEAD", 1)
        await until_count(bus, "MAIL", 0)


async def test_an_event_waits_in_hand_for_a_dependency_as_long_as_it_takes(bus: Bus) -> None:
    tries = 30
    handler = Handler(uid1=[TryLater("postgres", "away")] * tries)
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)
    (found,) = await everything(bus, PARSER)

    assert uid_of(found.event) == 1
    assert handler.tries == {1: tries + 1}
    assert await count(bus, "DEAD") == 0


async def test_a_group_of_waits_is_a_wait_and_no_bug(bus: Bus) -> None:
    handler = Handler(uid1=[ExceptionGroup("both", [TryLater("imap"), TryLater("imap")])] * 20)
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "EXTRACT") == 1


async def test_an_event_handed_out_often_is_handled_by_itself(bus: Bus) -> None:
    await bus.publish([fetched(1)])
    await handed_out(bus, EXTRACTOR, QUICK.alone_after)
    await bus.publish([fetched(2), fetched(3), fetched(4)])
    handler = Handler()
    async with running(bus, stage_of(handler, concurrency=1)):
        await until_count(bus, "MAIL", 0)

    assert sorted(handler.batches) == [[1], [2], [3, 4]]


async def test_heartbeats_keep_the_events_of_a_slow_handler(bus: Bus) -> None:
    consumer = with_ack_wait(EXTRACTOR, 1.5)
    handler = Handler()

    async def slow(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        await asyncio.sleep(3.0)  # some beats, of which a slow machine may miss one
        return await handler(envelopes)

    await bus.publish([fetched(1), fetched(2)])
    async with running(bus, stage_of(slow, consumer=consumer)):
        await until_count(bus, "MAIL", 0)

    assert handler.tries == {1: 1, 2: 1}


async def test_a_heartbeat_does_not_undo_the_delay_of_an_event_given_back(bus: Bus) -> None:
    consumer = with_ack_wait(EXTRACTOR, 0.3)
    loop = asyncio.get_running_loop()
    times: list[float] = []

    async def handler(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        if uid_of(envelopes[0].event) == 2:
            await asyncio.sleep(1.0)  # beats go on for the batch while event 1 is already given back
        elif not times:
            times.append(loop.time())
            raise KeyError("x")
        elif len(envelopes) > 1:
            raise KeyError("x")
        else:
            times.append(loop.time())
        return [[] for _ in envelopes]

    await bus.publish([fetched(1), fetched(2)])
    policy = replace(QUICK, bug_delays=(0.6, 0.6, 0.6))
    async with running(bus, replace(stage_of(handler, consumer=consumer, concurrency=1), policy=policy)):
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "DEAD") == 0


async def test_a_stop_gives_back_what_waits_for_a_dependency(bus: Bus) -> None:
    handler = Handler(uid1=[TryLater("postgres")] * 10_000)
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until(lambda: handler.tries[1] > 2)

    assert [uid_of(e.event) for e in await everything(bus, EXTRACTOR)] == [1]
