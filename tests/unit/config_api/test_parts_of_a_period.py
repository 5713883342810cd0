from datetime import date, timedelta

import pytest

from config_api.overview.sources import parts_of


@pytest.mark.parametrize(
    ("first", "last", "months", "whole", "days"),
    [
        ("2026-05-07", "2026-05-07", ["2026-05-01"], [], 1),
        ("2026-05-01", "2026-05-31", ["2026-05-01"], ["2026-05-01"], 0),
        ("2026-05-01", "2026-05-30", ["2026-05-01"], [], 30),
        ("2026-05-02", "2026-06-30", ["2026-05-01", "2026-06-01"], ["2026-06-01"], 30),
        ("2024-01-31", "2024-03-01", ["2024-01-01", "2024-02-01", "2024-03-01"], ["2024-02-01"], 2),
        ("2025-12-15", "2026-01-14", ["2025-12-01", "2026-01-01"], [], 31),
    ],
)
def test_a_period_is_whole_months_and_single_days(
    first: str, last: str, months: list[str], whole: list[str], days: int
) -> None:
    parts = parts_of(date.fromisoformat(first), date.fromisoformat(last))
    assert [month.isoformat() for month in parts.months] == months
    assert [month.isoformat() for month in parts.whole] == whole
    assert len(parts.days) == days


def test_no_day_is_left_out_or_there_twice() -> None:
    first = date(2023, 12, 30)
    for length in range(1, 800, 7):
        wanted = [first + timedelta(days=n) for n in range(length)]
        parts = parts_of(wanted[0], wanted[-1])
        inside = [day for day in wanted if day.replace(day=1) in parts.whole]
        assert sorted(inside + parts.days) == wanted
        assert {day.replace(day=1) for day in parts.days}.isdisjoint(parts.whole)
