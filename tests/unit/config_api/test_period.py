from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from config_api.web.bars import bars_of
from config_api.web.period import Period, period_of

TODAY = date(2026, 3, 31)


@dataclass(frozen=True)
class Point:
    day: date
    messages: int
    passed: int


@pytest.mark.parametrize(
    ("args", "since", "until"),
    [
        ({}, date(2026, 3, 2), TODAY),
        ({"days": "7"}, date(2026, 3, 25), TODAY),
        ({"days": "seven"}, date(2026, 3, 2), TODAY),
        ({"days": "²"}, date(2026, 3, 2), TODAY),
        ({"days": "999999999"}, date(2026, 3, 2), TODAY),
        ({"since": "2026-01-05", "until": "2026-01-09"}, date(2026, 1, 5), date(2026, 1, 9)),
        ({"since": "2026-01-09", "until": "2026-01-05"}, date(2026, 1, 5), date(2026, 1, 9)),
        ({"since": "2026-03-30"}, date(2026, 3, 30), TODAY),
    ],
)
def test_a_query_names_a_period(args: dict[str, str], since: date, until: date) -> None:
    assert period_of(args, TODAY) == Period(since, until)


@pytest.mark.parametrize(
    "args",
    [
        {"since": "", "until": "2026-01-05"},
        {"since": "0001-01-01", "until": "2026-01-05"},
        {"since": "0001-01-01", "until": "0001-01-02"},
        {"since": "9999-12-30", "until": "9999-12-31"},
    ],
)
def test_a_period_that_makes_no_sense_says_what_would(args: dict[str, str]) -> None:
    assert period_of(args, TODAY).fault != ""


def test_a_day_without_a_report_has_an_empty_bar() -> None:
    bars = bars_of([Point(TODAY, 10, 9)], period_of({"days": "7"}, TODAY))
    assert [(bar.passed, bar.failed) for bar in bars] == [(0, 0)] * 6 + [(9, 1)]
    assert bars[0].told == "25 Mar 2026: no messages"


@pytest.mark.parametrize(("days", "bars"), [(90, 90), (100, 15), (1100, 40)])
def test_a_long_period_has_a_bar_for_several_days_and_loses_none(days: int, bars: int) -> None:
    period = period_of({"days": str(days)}, TODAY)
    found = bars_of([Point(period.since + timedelta(days=n), 3, 2) for n in range(days)], period)
    assert (len(found), sum(bar.total for bar in found)) == (bars, 3 * days)
