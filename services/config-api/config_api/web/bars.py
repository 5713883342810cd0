"""From counts by day to the bars of the overview: no day left out, and never more bars than one can see. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Protocol

from config_api.web.charts import Bar
from config_api.web.formatting import share
from config_api.web.period import Period

MAX_BARS = 92


class Counted(Protocol):
    """The counts of one day."""

    @property
    def day(self) -> date:
        """The day, UTC."""
        ...

    @property
    def messages(self) -> int:
        """All that reports speak of."""
        ...

    @property
    def passed(self) -> int:
        """Those with DKIM or SPF aligned."""
        ...


def bars_of(days: Sequence[Counted], period: Period) -> list[Bar]:
    """One bar for a day; in a long period one for a week, or for four."""
    by_day = {point.day: point for point in days}
    stride = next(stride for stride in (1, 7, 28) if period.days <= stride * MAX_BARS)
    bars = []
    for offset in range(0, period.days, stride):
        first = period.since + timedelta(days=offset)
        last = min(first + timedelta(days=stride - 1), period.until)
        held = [by_day[d] for n in range((last - first).days + 1) if (d := first + timedelta(days=n)) in by_day]
        bars.append(_bar(first, last, messages=sum(p.messages for p in held), passed=sum(p.passed for p in held)))
    return bars


def _bar(first: date, last: date, *, messages: int, passed: int) -> Bar:
    span = _day(first) if first == last else f"{_day(first)} to {_day(last)}"
    told = f"{span}: {messages:,} messages, {share(passed, messages)} passed" if messages else f"{span}: no messages"
    return Bar(label=f"{first.day} {first:%b}", told=told, passed=passed, failed=max(messages - passed, 0))


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
