"""A stage rests when event after event dies of an error of ours."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.adapters.bus import Bus
from pipeline.breaker import BreakerPolicy
from pipeline.errors import Rejected
from pipeline.reasons import Reason
from pipeline.stage import Result
from pipeline.telemetry.health import Readiness
from pipeline.wire import Envelope
from tests.support.events import fetched
from tests.support.handlers import Handler
from tests.support.stages import (
    QUICK,
    count,
    running,
    stage_of,
    until,
    until_count,
)


async def test_event_after_event_that_dies_of_a_bug_stops_the_stage_and_says_so(bus: Bus) -> None:
    async def broken(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        raise KeyError("x")

    readiness = Readiness()
    policy = replace(QUICK, bug_delays=())
    breaker = BreakerPolicy(run=5, window=10, pauses=(3600.0,))
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
        breaker=BreakerPolicy(run=5, window=10, pauses=(0.1,)),
    )
    await bus.publish([fetched(uid) for uid in range(1, 21)])
    async with running(bus, stage, readiness=readiness):
        await until_count(bus, "MAIL", 0)
        await until(lambda: not readiness.missing)

    assert (await count(bus, "DEAD"), await count(bus, "EXTRACT")) == (7, 13)


async def test_refused_mails_never_stop_the_stage(bus: Bus) -> None:
    async def refuse(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [Rejected(Reason.NOT_WELL_FORMED) for _ in envelopes]

    stage = replace(stage_of(refuse), breaker=BreakerPolicy(run=5, window=10, pauses=(3600.0,)))
    await bus.publish([fetched(uid) for uid in range(1, 51)])
    async with running(bus, stage):
        await until_count(bus, "DEAD", 50)
