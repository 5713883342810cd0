"""The consume loop that every service shares: pull a batch, work on it, again; until told to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.pull import Delivery, Subscription
from pipeline.runtime.breaker import Breaker
from pipeline.runtime.retry import persist_unless_stopped, unless
from pipeline.runtime.stage import Stage
from pipeline.runtime.work import Work
from pipeline.telemetry.health import Readiness

TAKE_WAIT = 10.0  # seconds a pull waits for a first event


class StageRunner:
    """Runs a stage until it is told to stop; then it finishes what is in hand."""

    def __init__(self, bus: Bus, stage: Stage, stopping: asyncio.Event, *, readiness: Readiness | None = None) -> None:
        self._bus = bus
        self._stage = stage
        self._stopping = stopping
        self._readiness = readiness or Readiness()
        self._breaker = Breaker(stage.breaker)
        self._work = Work(bus, stage, stopping, breaker=self._breaker)
        self._gate = asyncio.Lock()  # a suspect holds up every loop but one
        self._ready = True

    async def run(self) -> None:
        """Returns when stopping is set and nothing is in hand."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._stage.concurrency):
                group.create_task(self._loop(), name=f"{self._stage.consumer.name}-{number}")

    async def _loop(self) -> None:
        subscription: Subscription | None = None

        async def taken() -> list[Delivery]:
            nonlocal subscription
            subscription = subscription or await self._bus.subscribe(self._stage.consumer)
            try:
                return await self._taken(subscription)
            except TryLater:
                await _closed(subscription)
                subscription = None  # the next one makes the consumer again, should the broker have lost it
                raise

        while not self._stopping.is_set():
            async with self._turn():
                deliveries = await persist_unless_stopped(taken, self._stopping, policy=self._stage.policy)
                if deliveries:
                    await self._work.do(deliveries)
                    self._tell()
        await _closed(subscription)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Beside the other loops, unless an event is under suspicion."""
        async with AsyncExitStack() as alone:
            await alone.enter_async_context(self._gate)
            if not self._work.suspects_about:
                await alone.aclose()
            yield

    async def _taken(self, subscription: Subscription) -> list[Delivery]:
        """The next deliveries; none when told to stop meanwhile."""
        limit = 1 if self._work.suspects_about else self._stage.batch
        taking = subscription.take(limit, wait=TAKE_WAIT, linger=self._stage.linger)
        _, deliveries = await unless(taking, self._stopping)
        return deliveries or []

    def _tell(self) -> None:
        """Whether the stage works, when that has changed."""
        if self._ready is self._breaker.is_open:
            self._ready = not self._breaker.is_open
            detail = "" if self._ready else "nothing but errors of ours; events wait; see the dead letters"
            self._readiness.set(f"stage {self._stage.consumer.name}", up=self._ready, detail=detail)


async def _closed(subscription: Subscription | None) -> None:
    if subscription is None:
        return
    with suppress(TryLater):  # the broker may be gone already; what came unasked for is handed out again
        await subscription.close()
