from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from config_api.web.bars import alignment_over_time, passed_and_failed
from config_api.web.period import Period, Span, period_of

TODAY = date(2026, 3, 31)


@dataclass(frozen=True)
class Point:
    day: date
    messages: int
    passed: int
    dkim: int = 0
    spf: int = 0


@pytest.mark.parametrize(
    ("args", "since", "until"),
    [
        ({}, date(2026, 3, 2), TODAY),
        ({"days": "7"}, date(2026, 3, 25), TODAY),
        ({"days": "365"}, date(2025, 4, 1), TODAY),
        ({"days": "all"}, date(2026, 3, 2), TODAY),
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
        {"days": "seven"},
        {"days": "²"},
        {"days": "0"},
        {"days": "3661"},
        {"days": "9" * 400},
        {"since": "2000-01-01", "until": "2026-01-01"},
    ],
)
def test_a_period_that_makes_no_sense_says_what_would(args: dict[str, str]) -> None:
    fault = period_of(args, TODAY).fault
    assert fault.endswith(".")
    assert len(fault) < 200


@pytest.mark.parametrize(
    ("span", "since", "until"),
    [
        (Span(date(2024, 2, 3), date(2024, 5, 1)), date(2024, 2, 3), TODAY),
        (Span(date(2026, 4, 1), date(2026, 4, 2)), TODAY, date(2026, 4, 2)),
        (Span(date(1990, 1, 1), date(2026, 1, 1)), date(2016, 3, 24), TODAY),
    ],
)
def test_everything_is_all_the_days_that_there_are_reports_of(span: Span, since: date, until: date) -> None:
    assert period_of({"days": "all"}, TODAY, span=span) == Period(since, until)


def test_a_day_without_a_report_has_an_empty_bar() -> None:
    chart = passed_and_failed(
        [Point(TODAY, 10, 9)], period_of({"days": "7"}, TODAY), leads_to="/reports?kind=aggregate"
    )
    assert [bar.values for bar in chart.bars] == [(0, 0)] * 6 + [(9, 1)]
    assert chart.told(chart.bars[0]) == "25 Mar 2026: no messages"
    assert chart.bars[6].href == "/reports?kind=aggregate&since=2026-03-31&until=2026-03-31"


@pytest.mark.parametrize(("days", "bars"), [(90, 90), (100, 15), (1100, 40), (3660, 41)])
def test_a_long_period_has_a_bar_for_several_days_and_loses_none(days: int, bars: int) -> None:
    period = period_of({"days": str(days)}, TODAY)
    chart = passed_and_failed([Point(period.since + timedelta(days=n), 3, 2) for n in range(days)], period)
    assert (len(chart.bars), chart.total) == (bars, 3 * days)


@pytest.mark.parametrize(
    ("point", "values"),
    [
        (Point(TODAY, 100, 90, dkim=80, spf=60), (50, 30, 10, 10)),
        (Point(TODAY, 100, 90, dkim=90, spf=0), (0, 90, 0, 10)),
        (Point(TODAY, 100, 90), (90, 0, 0, 10)),
        (Point(TODAY, 0, 0), (0, 0, 0, 0)),
    ],
)
def test_messages_are_told_apart_by_what_passed(point: Point, values: tuple[int, ...]) -> None:
    chart = alignment_over_time([point], period_of({"days": "1"}, TODAY))
    assert chart.bars[0].values == values
    assert chart.total == point.messages
