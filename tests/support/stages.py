"""Running a stage in a test, and looking at what came out of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from pipeline.contracts.topology import EXTRACTOR, Consumer
from pipeline.contracts.wire import Envelope, decode
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import nats_errors
from pipeline.runtime.breaker import BreakerPolicy
from pipeline.runtime.judge import RetryPolicy
from pipeline.runtime.runner import StageRunner
from pipeline.runtime.stage import Handler, Stage
from pipeline.telemetry.health import Readiness

TIMEOUT = 20.0  # seconds
QUICK = RetryPolicy(bug_delays=(0.05, 0.1), later_delays=(0.05,), alone_after=3, max_crashes=3)
CALM = BreakerPolicy(run=1000)


def stage_of(handler: Handler, *, consumer: Consumer = EXTRACTOR, batch: int = 10, concurrency: int = 2) -> Stage:
    """A stage that retries within moments and lets every event die that may."""
    return Stage(consumer, handler, batch=batch, concurrency=concurrency, policy=QUICK, breaker=CALM)


@asynccontextmanager
async def running(bus: Bus, stage: Stage, *, readiness: Readiness | None = None) -> AsyncIterator[asyncio.Event]:
    """The stage works inside the block; at its end it is told to stop and awaited. Gives the event that says stop."""
    stopping = asyncio.Event()
    task = asyncio.create_task(StageRunner(bus, stage, stopping, readiness=readiness).run())
    try:
        yield stopping
    finally:
        stopping.set()
        async with asyncio.timeout(TIMEOUT):
            await task


async def until(condition: Callable[[], bool], *, within: float = TIMEOUT) -> None:
    """Returns when the condition holds. Raises TimeoutError when it does not within some seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 the condition is anybody's
            await asyncio.sleep(0.01)


async def count(bus: Bus, stream: str) -> int:
    """The number of events in a stream."""
    return (await bus.js.stream_info(stream)).state.messages


async def _count_or_none(bus: Bus, stream: str) -> int | None:
    """None while the broker is away: a request may be lost with the connection."""
    with suppress(TryLater), nats_errors():
        return await count(bus, stream)
    return None


async def until_count(bus: Bus, stream: str, wanted: int) -> None:
    """Returns when the stream holds so many events."""
    async with asyncio.timeout(2 * TIMEOUT):
        while await _count_or_none(bus, stream) != wanted:  # noqa: ASYNC110 the broker does not tell
            await asyncio.sleep(0.02)


async def everything(bus: Bus, consumer: Consumer) -> list[Envelope]:
    """All events that the consumer has not had acknowledged yet, also those handed out before; now they are."""
    subscription = await bus.subscribe(consumer)
    found: list[Envelope] = []
    async with asyncio.timeout(TIMEOUT):
        while await _waiting(bus, consumer):
            for delivery in await subscription.take(500, wait=0.5):
                found.append(await bus.loaded(decode(delivery.wire.headers, delivery.wire.payload)))
                await delivery.msg.ack_sync()
    await subscription.close()
    return found


async def _waiting(bus: Bus, consumer: Consumer) -> int:
    state = await bus.js.consumer_info(consumer.stream, consumer.name)
    return (state.num_pending or 0) + (state.num_ack_pending or 0)


async def handed_out(bus: Bus, consumer: Consumer, times: int) -> None:
    """The only event of the consumer is taken so many times, and given back without any verdict."""
    subscription = await bus.subscribe(consumer)
    for _ in range(times):
        (delivery,) = await subscription.take(1, wait=TIMEOUT)
        await delivery.again(0)
    await subscription.close()


def with_ack_wait(consumer: Consumer, ack_wait: float) -> Consumer:
    """The consumer with another deadline, seconds."""
    return replace(consumer, ack_wait=ack_wait)
