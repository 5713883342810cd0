"""A dead letter is published and confirmed, then the event is acknowledged; until then it stays ours."""

import asyncio
from functools import partial

import structlog

from pipeline.contracts.dead_letter import dead_letters
from pipeline.errors import Dead, TryLater, described
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.pull import Delivery
from pipeline.runtime.breaker import OUR_FAULT, Breaker
from pipeline.runtime.retry import persist
from pipeline.runtime.stage import Stage
from pipeline.telemetry.metrics import StageMetrics

log = structlog.get_logger(__name__)


class DeadLetterWriter:
    """Writes the dead letters of one stage."""

    def __init__(self, bus: Bus, stage: Stage, stopping: asyncio.Event, *, breaker: Breaker) -> None:
        self._bus = bus
        self._stage = stage
        self._stopping = stopping
        self._breaker = breaker
        self._metrics = StageMetrics(stage.consumer.name)

    async def write(self, delivery: Delivery, verdict: Dead) -> None:
        """Returns when the event is out of our hands; waits for room among the dead letters as long as it takes."""
        publish = partial(self._publish, delivery, verdict)
        try:
            await persist(publish, stopping=self._stopping, policy=self._stage.policy)
        except TryLater:  # told to stop while there is no room
            await delivery.give_back()
        except Exception as error:  # noqa: BLE001 even this ran into a bug: keep the event, free the others
            log.error("dead_letter_failed", error=described(error), subject=delivery.wire.subject)
            await delivery.again(self._stage.policy.bug_delays[-1])
        else:
            await delivery.ack()
            self._note(delivery, verdict)

    async def _publish(self, delivery: Delivery, verdict: Dead) -> None:
        wires = dead_letters(delivery.wire, verdict, consumer=self._stage.consumer.name, deliveries=delivery.deliveries)
        await self._bus.publish_wires(wires)

    def _note(self, delivery: Delivery, verdict: Dead) -> None:
        self._metrics.dead(verdict.reason)
        self._breaker.forget(delivery.sequence)
        if verdict.reason not in OUR_FAULT:
            self._breaker.good()
        log.warning("dead_letter", reason=verdict.reason, detail=verdict.detail[:300], subject=delivery.wire.subject)
