"""What becomes of deliveries in hand: handle, publish, acknowledge — in that order, in this file alone — or a verdict.

When a whole batch fails, its members are tried one by one, so that a bad mail never holds up a good one.

An event that was handed out again and again without a verdict is a suspect: it may be what ends the process each time.
It is handled when no other is in hand, so that it takes none along, and only what happens then counts against it. One
that has failed in this process, or was put off in it, is none: it did not end it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass

import structlog

from pipeline.contracts.trace import Named, named, traced
from pipeline.contracts.wire import Envelope, decode
from pipeline.errors import Dead, Rejected, TryLater, decisive, described
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.crashes import CrashBucket
from pipeline.jetstream.pull import Delivery
from pipeline.runtime.breaker import CAN_WAIT, Breaker
from pipeline.runtime.dead_letter import DeadLetterWriter
from pipeline.runtime.judge import Again, judge
from pipeline.runtime.retry import pause
from pipeline.runtime.stage import Later, Result, Stage, portions
from pipeline.telemetry.metrics import StageMetrics


@asynccontextmanager
async def kept(deliveries: Sequence[Delivery], *, every: float) -> AsyncIterator[None]:
    """Renews the deadlines of those that are not settled yet, every so many seconds, while the context lasts."""
    beating = asyncio.create_task(_beat(deliveries, every), name="heartbeat")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _beat(deliveries: Sequence[Delivery], every: float) -> None:
    while True:
        await asyncio.sleep(every)
        for delivery in deliveries:
            with suppress(TryLater):  # a missed beat only means that the event is handed out again
                await delivery.still_working()


log = structlog.get_logger(__name__)

BEATS_PER_DEADLINE = 3


@dataclass(frozen=True, slots=True)
class _InHand:
    delivery: Delivery
    envelope: Envelope

    @property
    def cargo_bytes(self) -> int:
        return sum(parcel.size for parcel in self.envelope.cargo)


@dataclass(frozen=True, slots=True)
class _Handled:
    """Results whose events are published; `blobs` are those that the published events still need."""

    results: Sequence[Result]
    blobs: frozenset[str]


class Work:
    """Handles deliveries of one stage and settles every one of them, as long as the broker is there to hear it."""

    def __init__(self, bus: Bus, stage: Stage, stopping: asyncio.Event, *, breaker: Breaker) -> None:
        self._bus = bus
        self._stage = stage
        self._stopping = stopping
        self._breaker = breaker
        self._dead_letters = DeadLetterWriter(bus, stage, stopping, breaker=breaker)
        self._crashes = CrashBucket(bus.js, consumer=stage.consumer.name, limit=stage.policy.max_crashes)
        # Then events must come one at a time, until one comes that is no suspect. At the start nobody knows: an event
        # may have ended the process that was here before.
        self.suspects_about = True
        self._metrics = StageMetrics(stage.consumer.name)

    async def do(self, deliveries: Sequence[Delivery]) -> None:
        """Returns when none of them is in hand any more."""
        try:
            async with kept(deliveries, every=self._stage.consumer.ack_wait / BEATS_PER_DEADLINE):
                await self._all(deliveries)
        except TryLater as error:  # a verdict could not be sent; the event comes again and is harmless
            log.warning("acknowledge_failed", dependency=error.dependency, detail=error.detail)

    async def _all(self, deliveries: Sequence[Delivery]) -> None:
        readable: list[_InHand] = []
        unreadable: list[tuple[Delivery, Rejected]] = []
        for delivery in deliveries:
            wire = delivery.wire
            try:
                readable.append(_InHand(delivery, decode(wire.headers, wire.payload)))
            except Rejected as error:
                unreadable.append((delivery, error))
        suspects = [item for item in readable if self._is_suspect(item.delivery)]
        if suspects and len(deliveries) == 1:
            await self._one(suspects[0])
            return
        others = [item for item in readable if item not in suspects]
        for portion in portions(others, weight=lambda item: item.cargo_bytes, limit=self._stage.batch_bytes):
            await self._batch(portion)
        self.suspects_about = bool(suspects) or (self.suspects_about and len(deliveries) > 1)
        for item in suspects:
            await item.delivery.again(0)
        for delivery, refusal in unreadable:
            await self._end(delivery, Dead.of(refusal))

    async def _batch(self, items: Sequence[_InHand]) -> None:
        if len(items) == 1:
            await self._one(items[0])
            return
        try:
            handled = await self._handle(items)
        except Exception as error:  # noqa: BLE001 judged below, member by member
            log.info("batch_split", size=len(items), error=described(decisive(error)), **_named(items))
        else:
            await self._settle(items, handled)
            return
        for item in items:
            await self._one(item)

    async def _one(self, item: _InHand) -> None:
        with traced([item.envelope.event]):
            await self._until_settled(item)

    async def _until_settled(self, item: _InHand) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._crash_noted(item.delivery):
                    handled = await self._handle([item])
            except Exception as error:  # noqa: BLE001 every error gets a verdict
                cause = decisive(error)
                if await self._is_out_of_hand(item.delivery, cause, self._tries(item.delivery, cause, attempt)):
                    return
                continue
            await self._settle([item], handled)
            return

    def _is_suspect(self, delivery: Delivery) -> bool:
        return delivery.deliveries > self._stage.policy.alone_after and not self._breaker.knows(delivery.sequence)

    def _crash_noted(self, delivery: Delivery) -> AbstractAsyncContextManager[None]:
        return self._crashes.watching(delivery.sequence) if self._is_suspect(delivery) else nullcontext()

    async def _handle(self, items: Sequence[_InHand]) -> _Handled:
        with self._metrics.handling(len(items)), traced(item.envelope.event for item in items):
            envelopes = [await self._bus.loaded(item.envelope) for item in items]
            results = await self._stage.handler(envelopes)
            if len(results) != len(items):
                raise RuntimeError(f"the handler gave {len(results)} results for {len(items)} events")
            following = [e for result in results if not isinstance(result, Exception | Later) for e in result]
            return _Handled(results, await self._bus.publish(following))

    async def _settle(self, items: Sequence[_InHand], handled: _Handled) -> None:
        """Good members first: a dead letter may have to wait for room."""
        results = list(zip(items, handled.results, strict=True))
        failed = [  # counted before the good ones, which show that the error is not everybody's
            (item, result, self._tries(item.delivery, result))
            for item, result in results
            if isinstance(result, Exception)
        ]
        done = [item for item, result in results if not isinstance(result, Exception | Later)]
        for item in done:
            await item.delivery.ack()
            self._breaker.forget(item.delivery.sequence)
            self._breaker.good()
        self._metrics.done(len(done))
        if about := _named(done):
            log.info("handled", stage=self._stage.consumer.name, **about)
        for item, error, tries in failed:
            with traced([item.envelope.event]):
                if not await self._is_out_of_hand(item.delivery, error, tries):
                    await item.delivery.again(0)
        for item, result in results:
            if isinstance(result, Later):
                self._metrics.retried(type(result).__name__)
                self._breaker.put_off(item.delivery.sequence)
                await item.delivery.again(result.delay)
        for item in done:
            await self._bus.release(item.envelope, kept=handled.blobs)

    def _tries(self, delivery: Delivery, error: BaseException, attempt: int = 1) -> int:
        """How often the event was tried: `attempt` times in hand, or ever, where the error is a bug."""
        is_bug = not isinstance(error, TryLater | Rejected)
        return self._breaker.failed(delivery.sequence) if is_bug else attempt

    async def _is_out_of_hand(self, delivery: Delivery, error: BaseException, tries: int) -> bool:
        """Does what the verdict on the error says; False when the event stays in hand for another attempt."""
        verdict = judge(error, attempt=tries, policy=self._stage.policy)
        if isinstance(verdict, Dead):
            await self._end(delivery, verdict)
            return True
        self._metrics.retried(type(error).__name__)
        log.warning("will_retry", error=described(error), delay_s=verdict.delay, deliveries=delivery.deliveries)
        return await self._was_put_off(delivery, verdict)

    async def _end(self, delivery: Delivery, verdict: Dead) -> None:
        """To the dead letters, unless the error may be that of a broken release: then it waits for a better one."""
        wait = self._breaker.wait(delivery.sequence) if verdict.reason in CAN_WAIT else 0.0
        if not wait:
            await self._dead_letters.write(delivery, verdict)
            return
        log.error("breaker_open", stage=self._stage.consumer.name, wait_s=wait, detail=verdict.detail[:300])
        await delivery.again(wait)

    async def _was_put_off(self, delivery: Delivery, verdict: Again) -> bool:
        if not verdict.in_hand:
            self._breaker.put_off(delivery.sequence)
            await delivery.again(verdict.delay)
            return True
        if self._stopping.is_set():
            await delivery.give_back()
            return True
        await pause(self._stopping, verdict.delay)
        return False


def _named(items: Sequence[_InHand]) -> Named:
    return named(item.envelope.event for item in items)
