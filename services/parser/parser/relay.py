"""The relay: publishes what the outbox holds, at least once, and forgets what the broker has confirmed.

Rows are deleted in the transaction that waits for the confirmation: when the broker or this process goes away before
that, they are still there. Several relays may run at once. A repeat is harmless, for its key is the same.
"""

import asyncio
from contextlib import suppress
from time import monotonic

from parser.storage import outbox
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.postgres.connection import Database
from pipeline.runtime.retry import persist
from pipeline.telemetry.metrics import OUTBOX_AGE, OUTBOX_ROWS

BATCH = 500
IDLE = 1.0  # seconds after which the relay looks by itself, for rows that another process left


class Relay:
    """Publishes the outbox until it is told to finish."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._woken = asyncio.Event()
        self._counted_at = -IDLE  # when the outbox was last counted, for the metrics

    def wake(self) -> None:
        """Something was committed: look at once."""
        self._woken.set()

    async def run(self, finish: asyncio.Event) -> None:
        """Returns when `finish` is set and what was committed until then is published, or cannot be just now."""
        look = self.publish_all
        while True:
            last = finish.is_set()
            self._woken.clear()
            try:
                await persist(look, stopping=finish)
            except TryLater:  # told to finish meanwhile: the rest stays in the outbox
                return
            if last:
                return
            await self._idle(finish)
            look = self.publish_all if self._woken.is_set() or finish.is_set() else self._publish_what_is_left

    async def publish_all(self) -> None:
        """Publishes until nothing is left that no other relay holds. Raises TryLater; the rest stays in the outbox."""
        while await self._publish_some() == BATCH:
            continue
        if monotonic() - self._counted_at >= IDLE:
            await self._count()

    async def _publish_what_is_left(self) -> None:
        """Nobody told of anything, so most likely there is nothing: one statement says so."""
        if await self._count():
            await self.publish_all()

    async def _count(self) -> int:
        async with self._database.connection() as connection:
            waiting = await outbox.waiting(connection)
        self._counted_at = monotonic()
        OUTBOX_ROWS.set(waiting.rows)
        OUTBOX_AGE.set(waiting.age)
        return waiting.rows

    async def _publish_some(self) -> int:
        async with self._database.transaction() as connection:
            wires = await outbox.take(connection, BATCH)
            await self._bus.publish_wires(wires)
        return len(wires)

    async def _idle(self, finish: asyncio.Event) -> None:
        woken = asyncio.ensure_future(self._woken.wait())
        finished = asyncio.ensure_future(finish.wait())
        try:
            await asyncio.wait((woken, finished), timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in (woken, finished):
                waiter.cancel()
                with suppress(asyncio.CancelledError):
                    await waiter
