from random import Random

import pytest

from pipeline.contracts.reasons import Reason
from pipeline.runtime.breaker import CAN_WAIT, OUR_FAULT, Breaker, BreakerPolicy

POLICY = BreakerPolicy(run=3, pauses=(30.0, 60.0))


def died(breaker: Breaker, sequence: int) -> bool:
    """Whether an event whose tries are over may die; then it is out of hand."""
    if breaker.wait(sequence):
        return False
    breaker.forget(sequence)
    return True


def test_a_refused_mail_is_no_fault_of_ours() -> None:
    assert Reason.ENCRYPTED not in OUR_FAULT
    assert Reason.NOT_WELL_FORMED not in OUR_FAULT
    assert Reason.BUG in OUR_FAULT


def test_what_ends_the_process_is_never_tried_once_more() -> None:
    assert {Reason.CRASH_LOOP} == OUR_FAULT - CAN_WAIT


def test_when_nothing_is_good_some_events_die_and_the_others_wait() -> None:
    breaker = Breaker(POLICY)
    for sequence in range(6):
        breaker.failed(sequence)

    assert [died(breaker, sequence) for sequence in range(6)] == [True, True, True, False, False, False]
    assert breaker.is_open


def test_any_number_of_events_die_when_another_was_good_since_they_failed() -> None:
    breaker = Breaker(POLICY)
    for sequence in range(1000):
        breaker.failed(sequence)
    breaker.good()

    assert all(died(breaker, sequence) for sequence in range(1000))
    assert not breaker.is_open


def test_one_good_event_closes_the_breaker_for_all_that_waited() -> None:
    breaker = Breaker(POLICY)
    waited = [sequence for sequence in range(100) if not died(breaker, sequence)]
    breaker.good()

    assert len(waited) == 97
    assert not breaker.is_open
    assert all(died(breaker, sequence) for sequence in waited)


def test_what_was_good_while_an_event_was_put_off_says_nothing_of_its_error() -> None:
    breaker = Breaker(POLICY)
    for sequence in range(5):
        breaker.put_off(sequence)
    breaker.good()
    for sequence in range(5):
        breaker.failed(sequence)

    assert [died(breaker, sequence) for sequence in range(5)] == [True, True, True, False, False]


def test_an_event_waits_longer_each_time_but_not_for_ever() -> None:
    breaker = Breaker(POLICY)
    for sequence in range(3):
        died(breaker, sequence)

    assert [breaker.wait(9) for _ in range(4)] == [30.0, 60.0, 0.0, 0.0]


@pytest.mark.parametrize("seed", range(20))
def test_poisoned_events_among_good_ones_never_open_the_breaker(seed: int) -> None:
    """Each poisoned one comes four times, as often as it is tried, and the last time after all the good ones."""
    breaker = Breaker()
    events = [sequence % 2 == 0 for sequence in range(2000)]
    Random(seed).shuffle(events)
    poisoned = [sequence for sequence, is_good in enumerate(events) if not is_good]
    for sequence, is_good in enumerate(events):
        if is_good:
            breaker.good()
        else:
            breaker.failed(sequence)
    for _ in range(2):
        for sequence in poisoned:
            breaker.failed(sequence)

    assert all(died(breaker, sequence) for sequence in poisoned)
    assert not breaker.is_open


def test_failures_are_counted_for_each_event_until_it_is_out_of_hand() -> None:
    breaker = Breaker(POLICY)
    counted = [breaker.failed(1), breaker.failed(1), breaker.failed(2)]
    breaker.forget(1)

    assert counted == [1, 2, 1]
    assert (breaker.knows(1), breaker.knows(2)) == (False, True)
    assert breaker.failed(1) == 1


def test_the_oldest_history_is_forgotten_rather_than_memory_grow() -> None:
    breaker = Breaker(POLICY, size=2)
    for sequence in (1, 2, 3):
        breaker.failed(sequence)

    assert breaker.failed(3) == 2
    assert breaker.failed(1) == 1
