"""How long a mailbox is left alone after faults."""

import pytest

from fetcher.throttle import LONGEST_DELAY, SLOW, delay_after
from pipeline.contracts.connection_test import Category


@pytest.mark.parametrize(
    ("failures", "category", "delay"),
    [
        (1, Category.CONNECTIVITY, 2),
        (2, Category.CONNECTIVITY, 4),
        (5, Category.TIMEOUT, 32),
        (9, Category.TLS, 512),
        (10, Category.MAILBOX_NOT_FOUND, 900),
        (1, Category.AUTHENTICATION, 60),
        (2, Category.AUTH_EXPIRED, 120),
        (4, Category.THROTTLED, 480),
        (5, Category.PERMISSIONS, 900),
        (10_000, Category.CONNECTIVITY, 900),
    ],
)
def test_the_delay_doubles_up_to_a_quarter_of_an_hour(failures: int, category: Category, delay: float) -> None:
    assert delay_after(failures, category, jitter=1.0) == delay


@pytest.mark.parametrize("category", list(Category))
def test_jitter_spreads_the_delay_over_its_upper_half(category: Category) -> None:
    longest = delay_after(3, category, jitter=1.0)
    assert delay_after(3, category, jitter=0.0) == longest / 2
    assert longest / 2 < delay_after(3, category, jitter=0.4) < longest <= LONGEST_DELAY


def test_what_locks_an_account_is_tried_less_often_than_a_lost_connection() -> None:
    for category in SLOW:
        assert delay_after(1, category, jitter=0.0) > delay_after(1, Category.CONNECTIVITY, jitter=1.0)
