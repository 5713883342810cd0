"""An event that ends the process which handles it is told from one that was in hand when a process ended."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence, Set
from contextlib import asynccontextmanager, suppress

import pytest

from dmarq.embedded import EmbeddedNats
from pipeline.contracts.dead_letter import history_of
from pipeline.contracts.reasons import Reason
from pipeline.contracts.topology import EXTRACTOR
from pipeline.contracts.wire import Envelope, Wire, decode
from pipeline.errors import Rejected, TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.crashes import CrashBucket
from pipeline.runtime.runner import StageRunner
from pipeline.runtime.stage import Result
from tests.integration.pipeline.conftest import bus_on
from tests.support.events import extracted, fetched, uid_of
from tests.support.stages import QUICK, count, handed_out, running, stage_of, until, until_count, with_ack_wait


@asynccontextmanager
async def doomed_bus(broker: EmbeddedNats) -> AsyncIterator[Bus]:
    """A connection that ends in the block."""
    with suppress(ConnectionError):
        async with bus_on(broker.url) as found:
            yield found


class Process:
    """Handles mails, and dies of some: its connection ends first, so that it settles and notes nothing any more."""

    def __init__(self, killers: Set[int] = frozenset(), *, away_for: Set[int] = frozenset()) -> None:
        self.handled: Counter[int] = Counter()
        self.waited: Counter[int] = Counter()
        self.deaths = 0
        self._killers = killers
        self._away_for = away_for
        self._dying = asyncio.Event()

    async def __call__(self, envelopes: Sequence[Envelope]) -> Sequence[Result]:
        uids = {uid_of(envelope.event) for envelope in envelopes}
        if uids & self._killers:
            self._dying.set()
            await asyncio.Event().wait()
        if uids & self._away_for:
            self.waited.update(uids)
            raise TryLater("postgres", "away")
        self.handled.update(uids)
        return [[extracted(envelope)] for envelope in envelopes]

    async def lives(self, bus: Bus, broker: EmbeddedNats) -> None:
        """Until it dies, or until there is nothing left to do."""
        self._dying.clear()
        async with doomed_bus(broker) as own:
            runner = StageRunner(own, stage_of(self, consumer=with_ack_wait(EXTRACTOR, 0.5)), asyncio.Event())
            process = asyncio.create_task(runner.run())
            ends = [asyncio.create_task(self._dying.wait()), asyncio.create_task(until_count(bus, "MAIL", 0))]
            await asyncio.wait(ends, return_when="FIRST_COMPLETED")
            self.deaths += self._dying.is_set()
            await own.client.close()
            for task in (process, *ends):
                task.cancel()
            await asyncio.gather(process, *ends, return_exceptions=True)


async def dead_letter(bus: Bus, sequence: int) -> Wire:
    raw = await bus.js.get_msg("DEAD", seq=sequence)
    return Wire(raw.subject or "", dict(raw.headers or {}), raw.data or b"")


async def test_an_event_that_always_ends_the_process_is_dead_in_the_end(bus: Bus, broker: EmbeddedNats) -> None:
    process = Process({1})
    await bus.publish([fetched(1)])
    while await count(bus, "MAIL"):
        await process.lives(bus, broker)

    assert history_of((await dead_letter(bus, 1)).headers).reason == Reason.CRASH_LOOP
    assert QUICK.max_crashes <= process.deaths <= QUICK.alone_after + QUICK.max_crashes


async def test_events_that_end_the_process_take_no_others_with_them(bus: Bus, broker: EmbeddedNats) -> None:
    process = Process({3, 7})
    await bus.publish([fetched(uid) for uid in range(20)])
    while await count(bus, "MAIL"):
        await process.lives(bus, broker)

    letters = [await dead_letter(bus, number) for number in range(1, 1 + await count(bus, "DEAD"))]
    dead = [decode(letter.headers, letter.payload).event for letter in letters]
    assert sorted(uid_of(event) for event in dead) == [3, 7]
    assert set(process.handled) == set(range(20)) - {3, 7}


async def test_an_event_that_many_processes_held_when_they_ended_is_not_dead(bus: Bus) -> None:
    await bus.publish([fetched(1)])
    await handed_out(bus, EXTRACTOR, 4 * QUICK.max_crashes)
    process = Process()
    async with running(bus, stage_of(process)):
        await until_count(bus, "MAIL", 0)

    assert process.handled == {1: 1}
    assert await count(bus, "DEAD") == 0


async def test_restarts_while_an_event_waits_for_a_dependency_do_not_count_against_it(bus: Bus) -> None:
    consumer = with_ack_wait(EXTRACTOR, 0.5)
    waiting = Process(away_for={1})
    await bus.publish([fetched(1)])
    for restart in range(1, 1 + QUICK.alone_after + 2 * QUICK.max_crashes):
        async with running(bus, stage_of(waiting, consumer=consumer)):
            await until(lambda restart=restart: waiting.waited[1] >= 2 * restart)  # type: ignore[misc]
    recovered = Process()
    async with running(bus, stage_of(recovered, consumer=consumer)):
        await until_count(bus, "MAIL", 0)

    assert set(recovered.handled) == {1}
    assert await count(bus, "DEAD") == 0


async def crash(broker: EmbeddedNats, sequence: int) -> None:
    """A process ends while it handles the event alone."""
    async with doomed_bus(broker) as dying, CrashBucket(dying.js, consumer="extractor", limit=2).watching(sequence):
        await dying.client.close()


async def test_crashes_in_a_row_are_counted_for_each_event_until_a_good_end(bus: Bus, broker: EmbeddedNats) -> None:
    crashes = CrashBucket(bus.js, consumer="extractor", limit=2)
    for _ in range(2):
        await crash(broker, 7)
        async with crashes.watching(7):  # ended well: the crash before it is forgotten
            pass
    await crash(broker, 7)
    await crash(broker, 7)
    async with crashes.watching(8):  # another event
        pass

    with pytest.raises(Rejected, match="ended 2 times"):
        async with crashes.watching(7):
            pass
