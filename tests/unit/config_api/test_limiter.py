import asyncio

import pytest

from config_api.access.limiter import ALTOGETHER, PER_CLIENT, WINDOW, Limiter
from config_api.errors import TooManyTries


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def _guess(limiter: Limiter, client: str, *, is_right: bool = False) -> int:
    """Seconds to wait; 0 when the guess was judged."""
    try:
        async with limiter.attempt(client) as attempt:
            await asyncio.sleep(0)
            attempt.is_right = is_right
    except TooManyTries as refused:
        return refused.retry_after or 0
    return 0


async def test_wrong_guesses_are_forgiven_after_a_while() -> None:
    clock = _Clock()
    limiter = Limiter(clock)
    assert [await _guess(limiter, "a") for _ in range(PER_CLIENT)] == [0] * PER_CLIENT
    assert await _guess(limiter, "a", is_right=True) >= WINDOW
    assert await _guess(limiter, "b") == 0
    clock.now += WINDOW + 1
    assert await _guess(limiter, "a") == 0


async def test_right_guesses_in_between_do_not_make_room_for_more_wrong_ones() -> None:
    limiter = Limiter(_Clock())
    judged = 0
    for _ in range(2 * PER_CLIENT):
        await _guess(limiter, "a", is_right=True)
        judged += await _guess(limiter, "a") == 0
    assert judged == PER_CLIENT


async def test_right_guesses_are_not_counted() -> None:
    limiter = Limiter(_Clock())
    assert [await _guess(limiter, "a", is_right=True) for _ in range(3 * PER_CLIENT)] == [0] * 3 * PER_CLIENT
    assert [await _guess(limiter, "a") for _ in range(PER_CLIENT)] == [0] * PER_CLIENT


async def test_guesses_of_many_addresses_refuse_nobody_but_are_told() -> None:
    clock = _Clock()
    limiter = Limiter(clock)
    for number in range(ALTOGETHER):
        assert not limiter.is_under_attack
        await _guess(limiter, f"address {number}")
    assert limiter.is_under_attack
    assert await _guess(limiter, "somebody new", is_right=True) == 0
    clock.now += WINDOW + 1
    assert not limiter.is_under_attack


async def test_guesses_at_the_same_moment_are_counted_before_they_are_judged() -> None:
    limiter = Limiter()
    judged: list[int] = []

    async def guess(number: int) -> None:
        try:
            async with limiter.attempt("a"):
                judged.append(number)
                await asyncio.sleep(0)
        except TooManyTries:
            return

    await asyncio.gather(*(guess(number) for number in range(40)))
    assert len(judged) == PER_CLIENT


async def test_right_guesses_at_the_same_moment_wait_for_each_other() -> None:
    limiter = Limiter()
    waits = await asyncio.gather(*(_guess(limiter, "a", is_right=True) for _ in range(40)))
    assert waits == [0] * 40


async def test_what_could_not_be_judged_was_no_guess() -> None:
    limiter = Limiter(_Clock())
    for _ in range(PER_CLIENT):
        with pytest.raises(OSError, match="away"):
            async with limiter.attempt("a"):
                raise OSError("away")
    assert await _guess(limiter, "a") == 0
