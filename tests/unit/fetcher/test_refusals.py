"""What a refused action means: passing or final, and when it is tried again."""

import pytest

from fetcher.acting.jobs import (
    FINAL_AFTER,
    GIVE_UP_AFTER_S,
    LONGEST_DELAY,
    NOT_DONE_FINAL_AFTER,
    Refusals,
    Senseless,
    is_full,
)
from fetcher.imap.grammar.faults import ImapFault, NotDone
from pipeline.contracts.connection_test import Category

PASSING = ImapFault(Category.CONNECTIVITY, "no", said="System Error")
FORBIDDEN = ImapFault(Category.PERMISSIONS, "no", code="NOPERM")
FULL = ImapFault(Category.PERMISSIONS, "no", code="OVERQUOTA")


def delays(fault: ImapFault, until: float) -> list[float | None]:
    """The waits of something that is refused each time, to the end or so long, in seconds."""
    refusals, now, found = Refusals(), 0.0, []
    while now < until:
        found.append(delay := refusals.refused("it", fault, now))
        if delay is None:
            break
        now += delay
    return found


def test_an_unknown_refusal_is_retried_for_a_day_with_growing_delay() -> None:
    waits = delays(PASSING, 10 * GIVE_UP_AFTER_S)

    assert waits[-1] is None
    known = [wait for wait in waits if wait is not None]
    assert known == sorted(known)
    assert GIVE_UP_AFTER_S <= sum(known) < GIVE_UP_AFTER_S + LONGEST_DELAY
    assert len(known) < 120


def test_a_full_mailbox_is_waited_for_as_long_as_it_takes() -> None:
    assert None not in delays(FULL, 10 * GIVE_UP_AFTER_S)


@pytest.mark.parametrize("said", ["Quota exceeded", "over quota", "Mailbox is full", "Mailbox full", "Overquota"])
def test_a_full_mailbox_is_known_by_its_words(said: str) -> None:
    assert is_full(ImapFault(Category.PERMISSIONS, "no", said=said))


def test_what_cannot_change_is_final_after_a_few_times_and_a_senseless_action_at_once() -> None:
    assert len(delays(FORBIDDEN, GIVE_UP_AFTER_S)) == FINAL_AFTER
    assert delays(Senseless("onto itself"), GIVE_UP_AFTER_S) == [None]


def test_an_ok_after_which_nothing_was_done_is_final_after_a_few_times() -> None:
    assert len(delays(NotDone("still there"), GIVE_UP_AFTER_S)) == NOT_DONE_FINAL_AFTER


def test_what_was_final_begins_again_when_it_is_tried_again() -> None:
    refusals = Refusals()
    while refusals.refused("it", FORBIDDEN, 0.0) is not None:
        assert refusals.complaint is FORBIDDEN
    assert refusals.wait_s("it", 0.0) == 0.0
    assert refusals.complaint is FORBIDDEN
    assert refusals.refused("it", FORBIDDEN, 0.0) is not None


def test_each_waits_for_itself_until_it_is_done() -> None:
    refusals = Refusals()
    refusals.refused("one", PASSING, 0.0)

    assert refusals.wait_s("one", 0.0) > 0
    assert refusals.wait_s("other", 0.0) == 0.0
    refusals.done("one")
    assert refusals.wait_s("one", 0.0) == 0.0
    assert refusals.complaint is None


def test_a_wait_that_the_server_asks_for_is_kept_to() -> None:
    assert Refusals().refused("it", ImapFault(Category.CONNECTIVITY, "no", wait_s=300), 0.0) == 300
