"""How long a mail is asked for that the server does not give out."""

import pytest

from fetcher.reading.withheld import AT_LEAST_S, FORGOTTEN_S, ROUNDS, ROUNDS_TOGETHER, WITHOUT_PROOF_S, Retries

MAIL, OTHER = 2, 3


def after_rounds(rounds: int, *, every_s: float, given: bool = True) -> Retries:
    """At the time of the last round, (rounds - 1) * every_s."""
    retries = Retries()
    for number in range(rounds):
        retries.withheld([MAIL], number * every_s)
        if given:
            retries.given([OTHER], number * every_s)
    return retries


def test_a_mail_is_asked_for_with_others_first_and_then_alone() -> None:
    assert after_rounds(ROUNDS_TOGETHER - 1, every_s=1).alone() == ()
    assert after_rounds(ROUNDS_TOGETHER, every_s=1).alone() == (MAIL,)


@pytest.mark.parametrize(
    ("rounds", "every_s", "given", "given_up"),
    [
        (ROUNDS, AT_LEAST_S / (ROUNDS - 1), True, True),
        (ROUNDS - 1, AT_LEAST_S, True, False),
        (100, AT_LEAST_S / 100, True, False),
        (ROUNDS, AT_LEAST_S, False, False),
        (100, WITHOUT_PROOF_S / 99, False, True),
    ],
)
def test_a_mail_is_given_up_after_rounds_and_time_while_others_come(
    rounds: int, every_s: float, given: bool, given_up: bool
) -> None:
    found = after_rounds(rounds, every_s=every_s, given=given).given_up((rounds - 1) * every_s)
    assert found == ({MAIL} if given_up else frozenset())


def test_a_mail_that_comes_at_last_is_as_any_other() -> None:
    retries = after_rounds(ROUNDS, every_s=AT_LEAST_S)
    retries.given([MAIL], ROUNDS * AT_LEAST_S)

    assert not retries.alone()
    assert not retries.given_up(ROUNDS * AT_LEAST_S)


def test_who_comes_back_later_asks_again() -> None:
    retries = after_rounds(ROUNDS, every_s=AT_LEAST_S)
    last = (ROUNDS - 1) * AT_LEAST_S

    assert retries.given_up(last + FORGOTTEN_S - 1) == {MAIL}
    assert retries.given_up(last + FORGOTTEN_S) == frozenset()
