"""From counts by day to the bars of a chart: no day left out, and never more bars than one can see. Pure."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from config_api.web.charts import ALIGNMENT, PASS_FAIL, Bar, Chart, Series
from config_api.web.period import Period

MAX_BARS = 92
STRIDES = (1, 7, 28, 91)  # days that one bar stands for


class OfDay(Protocol):
    """Something of one day."""

    @property
    def day(self) -> date:
        """The day, UTC."""
        ...


class Counted(OfDay, Protocol):
    """The counts of one day."""

    @property
    def messages(self) -> int:
        """All that reports speak of."""
        ...

    @property
    def passed(self) -> int:
        """Those with DKIM or SPF aligned."""
        ...


class Aligned(Counted, Protocol):
    """The counts of one day, by what passed in alignment."""

    @property
    def dkim(self) -> int:
        """Those with DKIM aligned."""
        ...

    @property
    def spf(self) -> int:
        """Those with SPF aligned."""
        ...


Point = TypeVar("Point", bound=OfDay)


def bars_of(
    days: Sequence[Point],
    period: Period,
    values: Callable[[Point], Sequence[int]],
    series: tuple[Series, ...],
    *,
    leads_to: str = "",
    noun: str = "messages",
) -> Chart:
    """One bar for a day; in a long period one for a week, or for more of them.

    `leads_to` is the address that a bar opens, to which its days are added as `since` and `until`.
    """
    by_day = {point.day: point for point in days}
    stride = next(stride for stride in STRIDES if period.days <= stride * MAX_BARS)
    bars = []
    for offset in range(0, period.days, stride):
        first = period.since + timedelta(days=offset)
        last = min(first + timedelta(days=stride - 1), period.until)
        held = [by_day[d] for n in range((last - first).days + 1) if (d := first + timedelta(days=n)) in by_day]
        sums = [sum(column) for column in zip(*(values(point) for point in held), strict=True)]
        bars.append(_bar(first, last, tuple(max(each, 0) for each in sums or [0] * len(series)), leads_to))
    return Chart(series, bars, noun)


def passed_and_failed(days: Sequence[Counted], period: Period, *, leads_to: str = "") -> Chart:
    """Messages that passed, and that failed."""
    return bars_of(days, period, lambda day: (day.passed, day.messages - day.passed), PASS_FAIL, leads_to=leads_to)


def alignment_over_time(days: Sequence[Aligned], period: Period, *, leads_to: str = "") -> Chart:
    """Messages by what passed in alignment: DKIM and SPF, one of them alone, neither."""
    return bars_of(days, period, _alignment, ALIGNMENT, leads_to=leads_to)


def _alignment(day: Aligned) -> tuple[int, int, int, int]:
    """A message that passes by either is counted in both sums; what has no sums yet counts as passed by both."""
    twice = max(day.dkim + day.spf - day.passed, 0)
    dkim, spf = max(day.dkim - twice, 0), max(day.spf - twice, 0)
    return max(day.passed - dkim - spf, 0), dkim, spf, day.messages - day.passed


def _bar(first: date, last: date, values: tuple[int, ...], leads_to: str) -> Bar:
    span = _day(first) if first == last else f"{_day(first)} to {_day(last)}"
    days = {"since": first.isoformat(), "until": last.isoformat()}
    joint = "&" if "?" in leads_to else "?"
    href = f"{leads_to}{joint}{urlencode(days)}" if leads_to else ""
    return Bar(f"{first.day} {first:%b}", span, days["since"], days["until"], values, href)


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
