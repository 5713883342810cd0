"""Waiting that a stop cuts short: a pause, an event, a dependency that is away. The one place that tries again."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from pipeline.errors import TryLater
from pipeline.runtime.judge import DEFAULT_POLICY, RetryPolicy, later_delay

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Sleeps `seconds`, but wakes at once when told to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def unless(work: Coroutine[Any, Any, T], *events: asyncio.Event, grace: float = 0.0) -> tuple[bool, T | None]:
    """(True, what it gave) when the work ended by itself; (False, None) when one of the events cut it short.

    After the event the work has `grace` seconds to end by itself; then it is cancelled. Raises what the work raises,
    unless it was cancelled.
    """
    working = asyncio.create_task(work)
    hearing = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([working, *hearing], return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and grace:
            await asyncio.wait([working], timeout=grace)
        return (True, working.result()) if working.done() else (False, None)
    finally:
        for task in (working, *hearing):
            task.cancel()
        await asyncio.gather(working, *hearing, return_exceptions=True)


async def persist(
    call: Callable[[], Awaitable[T]],
    *,
    stopping: asyncio.Event | None = None,
    policy: RetryPolicy = DEFAULT_POLICY,
    last_try: bool = True,
) -> T:
    """What `call` gives: tried again with growing delays as long as its dependency is away, however long that is.

    Raises TryLater when told to stop meanwhile, after one last try unless `last_try` is False; and whatever else the
    call raises.
    """
    stopping = stopping or asyncio.Event()
    attempt = 0
    while True:
        attempt += 1
        try:
            return await call()
        except TryLater as error:
            if stopping.is_set():
                raise
            delay = later_delay(attempt, policy)
            log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200], delay_s=delay)
            await pause(stopping, delay)
            if stopping.is_set() and not last_try:
                raise


async def persist_unless_stopped(
    call: Callable[[], Awaitable[T]], stopping: asyncio.Event, *, policy: RetryPolicy = DEFAULT_POLICY
) -> T | None:
    """The same for what a stop makes needless: None when told to stop, before or meanwhile, and no last try."""
    if stopping.is_set():
        return None
    try:
        return await persist(call, stopping=stopping, policy=policy, last_try=False)
    except TryLater:
        return None
