"""Heartbeats: while work on deliveries goes on, the broker is told so and does not hand them out again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from pipeline.adapters.delivery import Delivery
from pipeline.errors import TryLater


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
