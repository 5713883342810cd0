from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from config_api.web import formatting

AT = datetime(2026, 3, 1, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "shown"), [(None, "–"), (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (14_180, "14.2 kB"),
                        (999_600, "1 MB"), (10_485_760, "10.5 MB")]
)  # fmt: skip
def test_a_size_is_told_with_three_digits(size: int | None, shown: str) -> None:
    assert formatting.size(size) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(85, "85 ms"), (2_400, "2.4 s"), (59_960, "1 min 0 s"), (185_000, "3 min 5 s"),
                                (7_800_000, "2 h 10 min")]
)  # fmt: skip
def test_a_duration_is_told_in_the_units_that_matter(milliseconds: int, shown: str) -> None:
    assert formatting.duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 0, "–"), (0, 7, "0%"), (7, 7, "100%"), (99_999, 100_000, ">99.9%"), (1, 100_000, "<0.1%"), (1, 3, "33.3%")],
)
def test_a_share_never_hides_a_remainder(part: int, whole: int, shown: str) -> None:
    assert formatting.share(part, whole) == shown


def test_times_are_utc_and_machine_readable() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))
    assert '<time datetime="2026-03-01T14:05:09Z"' in formatting.when(elsewhere)
    assert ">2026-03-01 14:05</time>" in formatting.when(elsewhere)
    assert formatting.day(date(2026, 3, 1)) == '<time datetime="2026-03-01">1 Mar 2026</time>'


@pytest.mark.parametrize(
    ("passed", "shown"),
    [(timedelta(seconds=9), "just now"), (timedelta(minutes=5), "5 min ago"), (timedelta(hours=3), "3 h ago"),
     (timedelta(days=1), "1 day ago"), (timedelta(days=12), "12 days ago")],
)  # fmt: skip
def test_how_long_ago_is_told_roughly(passed: timedelta, shown: str) -> None:
    assert formatting.ago(AT, now=AT + passed) == shown


@pytest.mark.parametrize(
    ("left", "shown"),
    [(timedelta(hours=-1), "now"), (timedelta(seconds=9), "now"), (timedelta(minutes=5), "in 5 min"),
     (timedelta(hours=3), "in 3 h"), (timedelta(days=1), "in 1 day"), (timedelta(days=2), "in 2 days")],
)  # fmt: skip
def test_how_long_until_then_is_told_roughly(left: timedelta, shown: str) -> None:
    assert formatting.until(AT + left, now=AT) == shown
