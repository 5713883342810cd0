"""Which refused mail goes: what is too old, then the oldest of whoever has the most."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.quota import Kept, superfluous

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def letter(number: int, sender: str, size: int = 10, *, days: int = 0) -> Kept:
    return Kept(number, "box", sender, size, NOW - timedelta(days=days))


def test_within_the_quota_nothing_goes() -> None:
    assert superfluous([letter(1, "a"), letter(2, "b")], max_bytes=20, not_before=NOW - timedelta(days=1)) == []


def test_what_is_too_old_goes() -> None:
    letters = [letter(1, "a", days=9), letter(2, "a", days=3)]

    assert superfluous(letters, max_bytes=100, not_before=NOW - timedelta(days=5)) == [1]
    assert superfluous(letters, max_bytes=100, not_before=None) == []


def test_a_sender_who_floods_loses_the_oldest_of_their_own() -> None:
    letters = [letter(1, "good"), *(letter(number, "flood") for number in range(2, 12)), letter(12, "other")]

    assert superfluous(letters, max_bytes=60, not_before=None) == [2, 3, 4, 5, 6, 7]


def test_one_letter_that_is_larger_than_everything_goes() -> None:
    assert superfluous([letter(1, "a"), letter(2, "b", 1000)], max_bytes=50, not_before=None) == [2]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=40), st.integers(1, 500))
def test_what_stays_is_never_more_than_the_quota(facts: list[tuple[str, int]], quota: int) -> None:
    letters = [letter(number, sender, size) for number, (sender, size) in enumerate(facts, 1)]

    gone = superfluous(letters, max_bytes=quota, not_before=None)

    assert len(gone) == len(set(gone))
    assert sum(kept.size for kept in letters if kept.number not in gone) <= quota
    assert gone == [] or sum(kept.size for kept in letters) > quota
