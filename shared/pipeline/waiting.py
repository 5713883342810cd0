"""Waiting for a dependency that is away: a log line, then a pause that a stop cuts short."""

import asyncio

import structlog

from pipeline.errors import TryLater
from pipeline.judge import DEFAULT_POLICY, RetryPolicy, later_delay
from pipeline.stopping import pause

log = structlog.get_logger(__name__)


async def wait_for(
    error: TryLater, *, attempt: int, stopping: asyncio.Event, policy: RetryPolicy = DEFAULT_POLICY
) -> None:
    """Pauses after the `attempt`-th failure (from 1) at the dependency."""
    delay = later_delay(attempt, policy)
    log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200], delay_s=delay)
    await pause(stopping, delay)
