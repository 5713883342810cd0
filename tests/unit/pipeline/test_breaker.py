import pytest

from pipeline.breaker import OUR_FAULT, Breaker, BreakerPolicy, opens, pause_of
from pipeline.reasons import Reason

POLICY = BreakerPolicy(run=3, window=10, share=0.5, pauses=(30.0, 60.0))
GOOD, FAULT = False, True


@pytest.mark.parametrize(
    ("fates", "opened"),
    [
        ([], False),  # nothing has happened yet
        ([FAULT, FAULT], False),  # two deaths are not a run
        ([FAULT, FAULT, FAULT], True),  # three are
        ([FAULT, FAULT, FAULT, GOOD], False),  # a good event ends the run
        ([FAULT, FAULT, GOOD, FAULT, FAULT], False),  # a run has no gaps
        ([FAULT, GOOD] * 5, False),  # half of the window is still bearable
        ([FAULT, FAULT, GOOD] * 3, True),  # more than half is not, run or no run
        ([FAULT, FAULT, GOOD] * 2 + [GOOD] * 10, False),  # what is beyond the window is forgotten
    ],
)
def test_a_history_opens_the_breaker_or_not(fates: list[bool], opened: bool) -> None:
    assert opens(fates, POLICY) is opened


@pytest.mark.parametrize(("opening", "seconds"), [(1, 30.0), (2, 60.0), (3, 60.0), (99, 60.0)])
def test_pauses_grow_up_to_the_last_one(opening: int, seconds: float) -> None:
    assert pause_of(opening, POLICY) == seconds


def test_a_refused_mail_is_no_fault_of_ours() -> None:
    assert Reason.ENCRYPTED not in OUR_FAULT
    assert Reason.NOT_WELL_FORMED not in OUR_FAULT
    assert Reason.BUG in OUR_FAULT


def test_on_probation_one_more_fault_opens_again_for_longer() -> None:
    breaker = Breaker(POLICY)
    for _ in range(3):
        breaker.fault()
    first = breaker.pause()
    calm = breaker.pause()
    breaker.fault()

    assert (first, calm, breaker.pause()) == (30.0, 0.0, 60.0)


def test_a_good_event_ends_the_probation_but_not_the_memory_of_the_last_opening() -> None:
    breaker = Breaker(POLICY)
    for _ in range(3):
        breaker.fault()
    breaker.pause()
    breaker.good()

    assert not breaker.on_probation
    for _ in range(3):
        breaker.fault()
    assert breaker.pause() == 60.0


def test_a_window_of_good_events_makes_the_next_pause_short_again() -> None:
    breaker = Breaker(POLICY)
    for _ in range(3):
        breaker.fault()
    breaker.pause()
    for _ in range(10):
        breaker.good()
    for _ in range(3):
        breaker.fault()

    assert breaker.pause() == 30.0
