"""The period that a page shows: the last days, all there are, or two days of one's own. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from config_api.web.shapes import FIRST_YEAR, LAST_YEAR

CHOICES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year", "all": "Everything"}
ALL = "all"
DEFAULT_DAYS = 30
MAX_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Period:
    """`since` and `until` are days, both included. `fault` says what is wrong with what was asked for.

    With a fault the days are the usual ones, for a form to offer; nothing is to be shown of them.
    """

    since: date
    until: date
    fault: str = ""

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days + 1

    def query(self, domain: str | None) -> dict[str, str]:
        """What asks for exactly these days, whenever it does: parameters of a query string."""
        days = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return {**days, "domain": domain} if domain else days


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last day that there are reports of."""

    first: date
    last: date


def chosen(args: Mapping[str, str], *, default: int = DEFAULT_DAYS) -> str | None:
    """Which of the choices a query string asks for; None for days of one's own."""
    if "since" in args or "until" in args:
        return None
    return args.get("days", str(default))


def last_days(days: int, today: date) -> Period:
    """The last `days` days, today among them."""
    return Period(today - timedelta(days=days - 1), today)


def period_of(
    args: Mapping[str, str], today: date, *, span: Span | None = None, default: int = DEFAULT_DAYS, most: int = MAX_DAYS
) -> Period:
    """The period in a query string: `days`, which may be "all" (of `span`), or `since` and `until`.

    What makes no sense, or is too long, comes back with a fault.
    """
    usual = last_days(default, today)
    try:
        return _asked(args, usual, span=span, most=most)
    except ValueError as error:
        return Period(usual.since, usual.until, str(error))


def _asked(args: Mapping[str, str], usual: Period, *, span: Span | None, most: int) -> Period:
    if "since" not in args and "until" not in args:
        return _by_days(args["days"], usual, span=span, most=most) if "days" in args else usual
    since, until = _date(args.get("since", "")), _date(args.get("until", "")) or usual.until
    if since is None:
        raise ValueError("The first day is missing. Choose one, for example 30 days ago.")
    if not all(FIRST_YEAR <= day.year <= LAST_YEAR for day in (since, until)):
        raise ValueError(f"Choose days of the years {FIRST_YEAR} to {LAST_YEAR}.")
    if since > until:
        since, until = until, since
    return _bounded(Period(since, until), most)


def _by_days(text: str, usual: Period, *, span: Span | None, most: int) -> Period:
    if text == ALL:
        if span is None:
            return usual
        first, last = min(span.first, usual.until), max(span.last, usual.until)
        return Period(max(first, last - timedelta(days=most - 1)), last)
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise ValueError(f"The number of days must be between 1 and {most:,}.")
    if len(text) > 9 or int(text) > most:
        raise ValueError(_too_long(f"{text[:20]} days", most))
    return last_days(int(text), usual.until)


def _bounded(period: Period, most: int) -> Period:
    if period.days > most:
        raise ValueError(_too_long(f"{period.days:,} days", most))
    return period


def _too_long(asked: str, most: int) -> str:
    return f"That period is too long: {asked} were asked for, and at most {most:,} can be shown at once."


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
