"""A stage keeps its events when nothing but errors of ours comes out of it."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope
from pipeline.errors import Rejected
from pipeline.jetstream.bus import Bus
from pipeline.runtime.breaker import BreakerPolicy
from pipeline.runtime.stage import Result
from pipeline.telemetry.health import Readiness
from tests.support.events import fetched, uid_of
from tests.support.handlers import Handler, extract
from tests.support.stages import (
    QUICK,
    count,
    running,
    stage_of,
    until,
    until_count,
)


async def test_when_every_event_runs_into_a_bug_few_die_and_the_stage_says_so(bus: Bus) -> None:
    async def broken(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        raise KeyError("x")

    readiness = Readiness()
    policy = replace(QUICK, bug_delays=())
    breaker = BreakerPolicy(run=5, pauses=(3600.0,))
    stage = replace(stage_of(broken, batch=1, concurrency=1), policy=policy, breaker=breaker)
    await bus.publish([fetched(uid) for uid in range(1, 51)])
    async with running(bus, stage, readiness=readiness):
        await until(lambda: bool(readiness.missing))

    assert "see the dead letters" in readiness.missing["stage extractor"]
    assert (await count(bus, "DEAD"), await count(bus, "MAIL")) == (5, 45)


async def test_the_stage_goes_on_by_itself_when_events_are_well_again(bus: Bus) -> None:
    handler = Handler(**{f"uid{uid}": [KeyError("x")] for uid in range(1, 8)})
    readiness = Readiness()
    stage = replace(
        stage_of(handler, batch=1, concurrency=1),
        policy=replace(QUICK, bug_delays=()),
        breaker=BreakerPolicy(run=5, pauses=(0.1,)),
    )
    await bus.publish([fetched(uid) for uid in range(1, 21)])
    async with running(bus, stage, readiness=readiness):
        await until_count(bus, "MAIL", 0)
        await until(lambda: not readiness.missing)

    assert (await count(bus, "DEAD"), await count(bus, "EXTRACT")) == (5, 15)


async def test_good_events_pass_those_that_wait_for_a_better_release(bus: Bus) -> None:
    handler = Handler(**{f"uid{uid}": [KeyError("x")] * 1000 for uid in range(1, 31)})
    stage = replace(
        stage_of(handler, concurrency=1),
        policy=replace(QUICK, bug_delays=()),
        breaker=BreakerPolicy(run=5, pauses=(0.5,) * 1000),
    )
    readiness = Readiness()
    await bus.publish([fetched(uid) for uid in range(1, 31)])
    async with running(bus, stage, readiness=readiness):
        await until(lambda: bool(readiness.missing))
        await bus.publish([fetched(31)])
        await until_count(bus, "EXTRACT", 1)
        await until_count(bus, "MAIL", 0)
        await until(lambda: not readiness.missing)

    assert await count(bus, "DEAD") == 30


async def test_an_error_that_a_handler_returns_is_that_event_s_alone(bus: Bus) -> None:
    batches: list[int] = []

    async def handle(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        batches.append(len(envelopes))
        good = await extract(envelopes)
        return [RecursionError() if uid_of(e.event) % 2 else r for e, r in zip(envelopes, good, strict=True)]

    await bus.publish([fetched(uid) for uid in range(1, 41)])
    async with running(bus, stage_of(handle, concurrency=1)):
        await until_count(bus, "MAIL", 0)

    assert (await count(bus, "DEAD"), await count(bus, "EXTRACT")) == (20, 20)
    assert len(batches) < 40


async def test_refused_mails_never_stop_the_stage(bus: Bus) -> None:
    async def refuse(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [Rejected(Reason.NOT_WELL_FORMED) for _ in envelopes]

    stage = replace(stage_of(refuse), breaker=BreakerPolicy(run=5, pauses=(3600.0,)))
    await bus.publish([fetched(uid) for uid in range(1, 51)])
    async with running(bus, stage):
        await until_count(bus, "DEAD", 50)
