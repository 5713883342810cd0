"""Measures every few seconds how far behind the consumers of this process are, and how full streams and blobs are."""

import asyncio
from collections.abc import Sequence

import structlog

from pipeline.contracts.topology import BLOB_STREAM, STREAMS, Consumer
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.lag import blob_store, holding, lag
from pipeline.runtime.retry import pause
from pipeline.telemetry.metrics import CONSUMER_IN_HAND, CONSUMER_WAITING, STREAM_EVENTS, STREAM_FULLNESS

log = structlog.get_logger(__name__)

EVERY = 20.0  # seconds; each look is a dozen requests


async def watch_backlog(bus: Bus, consumers: Sequence[Consumer], stopping: asyncio.Event) -> None:
    """Measures until told to stop. While the broker is away the last figures stay."""
    while not stopping.is_set():
        try:
            await _measure(bus, consumers)
        except TryLater as error:
            log.debug("backlog_not_measured", detail=error.detail[:200])
        await pause(stopping, EVERY)


async def _measure(bus: Bus, consumers: Sequence[Consumer]) -> None:
    for stream in STREAMS:
        held = await holding(bus.js, stream)
        STREAM_EVENTS.labels(stream.name).set(held.events)
        STREAM_FULLNESS.labels(stream.name).set(held.fullness)
    STREAM_FULLNESS.labels(BLOB_STREAM).set((await blob_store(bus.js)).fullness)
    for consumer in consumers:
        behind = await lag(bus.js, consumer)
        CONSUMER_WAITING.labels(consumer.name).set(behind.waiting)
        CONSUMER_IN_HAND.labels(consumer.name).set(behind.in_hand)
