from config_api.auth.limiter import ALTOGETHER, PER_CLIENT, WINDOW, Limiter


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_wrong_guesses_are_forgiven_after_a_while() -> None:
    clock = _Clock()
    limiter = Limiter(clock)
    for _ in range(PER_CLIENT):
        assert limiter.wait("a") == 0
        limiter.wrong("a")
    assert limiter.wait("a") >= WINDOW
    assert limiter.wait("b") == 0
    clock.now += WINDOW + 1
    assert limiter.wait("a") == 0


def test_the_right_guess_clears_the_account() -> None:
    limiter = Limiter(_Clock())
    for _ in range(PER_CLIENT):
        limiter.wrong("a")
    limiter.right("a")
    assert limiter.wait("a") == 0


def test_many_addresses_together_are_limited_too() -> None:
    limiter = Limiter(_Clock())
    for number in range(ALTOGETHER):
        limiter.wrong(f"address {number}")
    assert limiter.wait("somebody new") > 0
