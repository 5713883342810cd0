"""Work that an event cuts short."""

import asyncio

import pytest

from pipeline.errors import TryLater
from pipeline.runtime.judge import RetryPolicy
from pipeline.runtime.retry import persist, unless


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


class Away:
    """A dependency that is away so many times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.left > 0:
            self.left -= 1
            raise TryLater("nats", "no servers")
        return "done"


AT_ONCE = RetryPolicy(later_delays=(0.0,))


async def test_a_dependency_that_is_away_is_waited_for() -> None:
    away = Away(5)
    assert await persist(away, policy=AT_ONCE) == "done"
    assert away.calls == 6


async def test_who_is_told_to_stop_tries_once_and_no_longer_waits() -> None:
    stopping, away = asyncio.Event(), Away(1000)
    stopping.set()
    with pytest.raises(TryLater):
        await persist(away, stopping=stopping)
    assert away.calls == 1


async def test_any_other_error_is_nothing_to_wait_for() -> None:
    async def wrong() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await persist(wrong)
