"""Work that an event cuts short."""

import asyncio

import pytest

from pipeline.runtime.retry import unless


async def value(after: int) -> str:
    for _ in range(after):
        await asyncio.sleep(0)
    return "done"


async def test_work_that_ends_by_itself_gives_its_value() -> None:
    assert await unless(value(3), asyncio.Event()) == (True, "done")


async def test_an_event_cuts_work_short() -> None:
    event = asyncio.Event()
    event.set()
    assert await unless(asyncio.sleep(3600, "done"), asyncio.Event(), event) == (False, None)


async def test_work_with_grace_may_end_after_the_event() -> None:
    event = asyncio.Event()
    event.set()
    assert await unless(value(20), event, grace=20) == (True, "done")


async def test_what_the_work_raises_is_raised() -> None:
    async def failing() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await unless(failing(), asyncio.Event())


async def test_what_cancelled_work_says_at_its_end_is_not_heard() -> None:
    event = asyncio.Event()

    async def sulking() -> None:
        event.set()
        try:
            await asyncio.sleep(3600)
        finally:
            raise LookupError

    assert await unless(sulking(), event) == (False, None)


async def test_the_work_ends_with_whoever_waits_for_it() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    waiting = asyncio.create_task(unless(work(), asyncio.Event()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert ended.is_set()
