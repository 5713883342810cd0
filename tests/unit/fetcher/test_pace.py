"""How fast a mailbox is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.throttle import FEWEST_MAILS, FIRST_MAILS, MINUTE, MOST_MAILS, Pace


def test_the_first_stretch_is_small_and_those_after_it_grow_to_a_bound() -> None:
    pace = Pace()
    sizes = []
    for _ in range(7):
        sizes.append(pace.mails(0.0))
        pace.went_well(sizes[-1], 0.0)

    assert sizes == [FIRST_MAILS, 100, 200, 400, 800, MOST_MAILS, MOST_MAILS]


def test_a_server_that_throttles_gets_less_at_once_but_always_something() -> None:
    pace = Pace()
    pace.went_badly()
    assert pace.mails(0.0) == FIRST_MAILS // 4
    for _ in range(5):
        pace.went_badly()

    assert pace.mails(0.0) == FEWEST_MAILS
    assert pace.wait_s(0.0) == 0.0


def test_a_minutes_share_is_waited_for() -> None:
    pace = Pace(per_minute=60)
    pace.went_well(pace.mails(0.0), 0.0)
    pace.went_well(pace.mails(20.0), 20.0)

    assert pace.mails(30.0) == 0
    assert pace.wait_s(30.0) == 30.0
    assert pace.mails(MINUTE) == FIRST_MAILS
    assert pace.wait_s(MINUTE) == 0.0


@pytest.mark.parametrize("per_minute", [1, 7, 100, 3000])
@given(rests=st.lists(st.integers(0, 90), max_size=60))
def test_no_sixty_seconds_ever_see_more_than_the_limit(per_minute: int, rests: list[int]) -> None:
    pace = Pace(per_minute)
    now = 0.0
    read: list[tuple[float, int]] = []
    for rest in rests:
        now += rest + pace.wait_s(now + rest)
        mails = pace.mails(now)
        assert mails > 0
        pace.went_well(mails, now)
        read.append((now, mails))

    for end, _ in read:
        assert sum(mails for at, mails in read if end - MINUTE < at <= end) <= per_minute
