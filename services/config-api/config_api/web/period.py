"""The period that a page shows: the last 7, 30 or 90 days, or two days of one's own. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from config_api.web.shapes import FIRST_YEAR, LAST_YEAR

CHOICES = (7, 30, 90)
DEFAULT_DAYS = 30
MAX_DAYS = 1100


@dataclass(frozen=True, slots=True)
class Period:
    """`since` and `until` are days, both included. `fault` says what was wrong with the days asked for."""

    since: date
    until: date
    fault: str = ""

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days + 1

    def chosen(self, today: date) -> int | None:
        """Which of the choices this is; None for one's own."""
        return self.days if self.until == today and self.days in CHOICES else None

    def query(self, domain: str | None) -> dict[str, str]:
        """What asks for exactly these days, whenever it does: parameters of a query string."""
        days = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return {**days, "domain": domain} if domain else days


def last_days(days: int, today: date) -> Period:
    """The last `days` days, today among them."""
    return Period(today - timedelta(days=days - 1), today)


def period_of(args: Mapping[str, str], today: date) -> Period:
    """The period in a query string: `days`, or `since` and `until`; the default where it makes no sense."""
    default = last_days(DEFAULT_DAYS, today)
    if "since" not in args and "until" not in args:
        return _by_days(args.get("days", ""), today) or default
    since, until = _date(args.get("since", "")), _date(args.get("until", "")) or today
    if since is None:
        return Period(default.since, default.until, "The first day is missing. Choose one, for example 30 days ago.")
    if not all(FIRST_YEAR <= day.year <= LAST_YEAR for day in (since, until)):
        return Period(default.since, default.until, f"Choose days of the years {FIRST_YEAR} to {LAST_YEAR}.")
    if since > until:
        since, until = until, since
    if (until - since).days >= MAX_DAYS:
        return Period(default.since, default.until, f"The period is too long: at most {MAX_DAYS} days can be shown.")
    return Period(since, until)


def _by_days(text: str, today: date) -> Period | None:
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= MAX_DAYS:
        return None
    return last_days(int(text), today)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
