from concurrent.futures import ThreadPoolExecutor

import pytest

from config_api.access.limiter import ALTOGETHER, PER_CLIENT, WINDOW, Limiter
from config_api.web.problem import Problem


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _guess(limiter: Limiter, client: str, *, is_right: bool = False) -> int:
    """Seconds to wait; 0 when the guess was judged."""
    try:
        with limiter.attempt(client) as attempt:
            attempt.is_right = is_right
    except Problem as refused:
        return refused.retry_after or 0
    return 0


def test_wrong_guesses_are_forgiven_after_a_while() -> None:
    clock = _Clock()
    limiter = Limiter(clock)
    assert [_guess(limiter, "a") for _ in range(PER_CLIENT)] == [0] * PER_CLIENT
    assert _guess(limiter, "a", is_right=True) >= WINDOW
    assert _guess(limiter, "b") == 0
    clock.now += WINDOW + 1
    assert _guess(limiter, "a") == 0


def test_the_right_guess_clears_the_account() -> None:
    limiter = Limiter(_Clock())
    for _ in range(PER_CLIENT - 1):
        _guess(limiter, "a")
    assert _guess(limiter, "a", is_right=True) == 0
    assert [_guess(limiter, "a") for _ in range(PER_CLIENT)] == [0] * PER_CLIENT


def test_guesses_of_many_addresses_refuse_nobody_but_are_told() -> None:
    clock = _Clock()
    limiter = Limiter(clock)
    for number in range(ALTOGETHER):
        assert not limiter.is_under_attack
        _guess(limiter, f"address {number}")
    assert limiter.is_under_attack
    assert _guess(limiter, "somebody new", is_right=True) == 0
    clock.now += WINDOW + 1
    assert not limiter.is_under_attack


def test_guesses_at_the_same_moment_are_counted_before_they_are_judged() -> None:
    limiter = Limiter()
    judged: list[int] = []

    def guess(number: int) -> None:
        try:
            with limiter.attempt("a"):
                judged.append(number)
        except Problem:
            return

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(guess, range(40)))
    assert len(judged) == PER_CLIENT


def test_right_guesses_at_the_same_moment_wait_for_each_other() -> None:
    limiter = Limiter()
    with ThreadPoolExecutor(40) as pool:
        waits = list(pool.map(lambda _: _guess(limiter, "a", is_right=True), range(40)))
    assert waits == [0] * 40


def test_what_could_not_be_judged_was_no_guess() -> None:
    limiter = Limiter(_Clock())
    for _ in range(PER_CLIENT):
        with pytest.raises(OSError, match="away"), limiter.attempt("a"):
            raise OSError("away")
    assert _guess(limiter, "a") == 0
