"""What is slow to answer is answered again from memory, for a time that grows with what it took."""

import asyncio

import pytest

from config_api.backend.recent import AT_ONCE, MOST, SLOW, TIMES, Recent


class Work:
    """Work that takes so many seconds by its own clock, and gives how often it was done."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.done = 0

    def clock(self) -> float:
        return self.now

    async def __call__(self) -> int:
        await asyncio.sleep(0)
        self.now += self.seconds
        self.done += 1
        return self.done


async def test_what_is_cheap_is_done_each_time() -> None:
    work = Work(SLOW / 2)
    recent = Recent(work.clock)

    assert [await recent.answer("key", work) for _ in range(3)] == [1, 2, 3]


async def test_what_is_dear_is_kept_as_long_as_it_is_worth() -> None:
    work = Work(1.0)
    recent = Recent(work.clock)

    assert [await recent.answer("key", work) for _ in range(3)] == [1, 1, 1]
    work.now += TIMES - 0.5
    assert await recent.answer("key", work) == 1
    work.now += 1.0
    assert await recent.answer("key", work) == 2


async def test_another_question_has_another_answer() -> None:
    work = Work(1.0)
    recent = Recent(work.clock)

    assert [await recent.answer(key, work) for key in ("a", "b", "a")] == [1, 2, 1]


async def test_those_who_ask_at_once_get_one_answer() -> None:
    work = Work(1.0)
    recent = Recent(work.clock)

    assert await asyncio.gather(*(recent.answer("key", work) for _ in range(5))) == [1] * 5


async def test_no_more_are_kept_than_is_reasonable() -> None:
    work = Work(SLOW)
    recent = Recent(work.clock)
    await recent.answer("first", work)
    work.now = 0.0  # time stands still, so that nothing grows old
    for key in range(2 * MOST):
        await recent.answer(key, work)
        work.now = 0.0

    assert await recent.answer("first", work) == 1
    assert await recent.answer(2 * MOST - 1, work) == 2 * MOST + 2


class Slow:
    """Work that ends when told to."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.begun = 0

    async def __call__(self) -> int:
        self.begun += 1
        await self.end.wait()
        return self.begun


async def test_who_would_not_wait_gets_nothing_and_the_next_one_what_was_begun() -> None:
    slow, recent = Slow(), Recent()

    assert await recent.answer_soon("key", slow) is None
    assert await recent.answer_soon("key", slow) is None
    slow.end.set()

    assert await recent.answer("key", slow) == 1
    assert await recent.answer_soon("key", slow) == 1
    assert slow.begun == 1


async def test_what_is_quick_is_there_for_who_would_not_wait() -> None:
    work = Work(SLOW / 2)

    assert await Recent(work.clock).answer_soon("key", work) == 1


async def test_work_goes_on_when_who_waited_for_it_is_gone() -> None:
    slow, recent = Slow(), Recent()
    first = asyncio.create_task(recent.answer("key", slow))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    slow.end.set()

    assert await recent.answer("key", slow) == 1


async def test_only_some_work_goes_on_for_nobody() -> None:
    slow, recent = Slow(), Recent()

    assert await asyncio.gather(*(recent.answer_soon(key, slow) for key in range(AT_ONCE + 3))) == [None] * (
        AT_ONCE + 3
    )
    assert slow.begun == AT_ONCE
    slow.end.set()
    assert await recent.answer(AT_ONCE, slow) == AT_ONCE + 1


async def test_who_waits_in_line_waits_until_there_is_room_and_may_leave() -> None:
    slow, recent = Slow(), Recent()
    asked = [asyncio.create_task(recent.answer(key, slow)) for key in range(AT_ONCE + 2)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert slow.begun == AT_ONCE

    asked.pop().cancel()
    slow.end.set()

    await asyncio.gather(*asked)
    assert slow.begun == AT_ONCE + 1


async def test_a_failure_is_told_to_who_waits_and_the_next_one_tries_again() -> None:
    recent = Recent()

    async def fails() -> int:
        raise LookupError

    async def works() -> int:
        return 7

    for ask in (recent.answer, recent.answer_soon):
        with pytest.raises(LookupError):
            await ask("key", fails)
    assert await recent.answer("key", works) == 7
