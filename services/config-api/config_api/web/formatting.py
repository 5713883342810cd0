"""How values are shown: Jinja filters, pure functions. All times are UTC and say so; a missing value is a dash."""

from datetime import UTC, date, datetime, timedelta

from markupsafe import Markup

from pipeline.counting import plural

NOTHING = "–"
_BYTE_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def when(value: datetime | None) -> Markup | str:
    """A moment as a `<time>` element, to the minute: "2026-03-01 14:05"; its title has the seconds and the zone."""
    if value is None:
        return NOTHING
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%Y-%m-%d %H:%M:%S UTC"), at.strftime("%Y-%m-%d %H:%M")
    )


def moment(value: datetime) -> Markup:
    """A moment to the second, for logs: "2026-03-01 14:05:09"."""
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), at.strftime("%Y-%m-%d %H:%M:%S")
    )


def day(value: date | datetime | None) -> Markup | str:
    """A day as a `<time>` element: "1 Mar 2026"."""
    if value is None:
        return NOTHING
    shown = value.astimezone(UTC).date() if isinstance(value, datetime) else value
    return Markup('<time datetime="{}">{}</time>').format(shown.isoformat(), f"{shown.day} {shown:%b %Y}")


def number(value: int | None) -> str:
    """A count with thousands apart: "12,345"."""
    return NOTHING if value is None else f"{value:,}"


def size(value: int | None) -> str:
    """Bytes for people, in powers of 1000: "14.2 kB"."""
    if value is None:
        return NOTHING
    amount, unit = float(value), 0
    while amount >= 999.5 and unit < len(_BYTE_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{value} bytes" if unit == 0 else f"{amount:.3g} {_BYTE_UNITS[unit]}"


def duration(milliseconds: float | None) -> str:
    """A length of time: "85 ms", "2.4 s", "3 min 5 s", "2 h 10 min"."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ago(value: datetime | None, *, now: datetime | None = None) -> str:
    """How long ago, roughly: "just now", "5 min ago", "3 h ago", "12 days ago"."""
    if value is None:
        return "never"
    passed = (now or datetime.now(UTC)) - value
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{passed // timedelta(minutes=1)} min ago"
    if passed < timedelta(days=1):
        return f"{passed // timedelta(hours=1)} h ago"
    return "1 day ago" if passed.days == 1 else f"{passed.days} days ago"


def until(value: datetime | None, *, now: datetime | None = None) -> str:
    """How long until then, roughly: "now", "in 5 min", "in 3 h", "in 2 days"."""
    if value is None:
        return "not planned"
    left = value - (now or datetime.now(UTC))
    if left < timedelta(minutes=1):
        return "now"
    if left < timedelta(hours=1):
        return f"in {left // timedelta(minutes=1)} min"
    if left < timedelta(days=1):
        return f"in {left // timedelta(hours=1)} h"
    return "in 1 day" if left.days == 1 else f"in {left.days} days"


def share(part: int, whole: int) -> str:
    """A percentage that never rounds a remainder away: "100%" means all, "99.9%" does not."""
    if whole <= 0:
        return NOTHING
    percent = 100 * part / whole
    if part < whole and percent > 99.9:
        return ">99.9%"
    if part > 0 and percent < 0.1:
        return "<0.1%"
    return f"{percent:.0f}%" if percent in (0, 100) else f"{percent:.1f}%"


def listed(names: str, *, most: int = 3) -> str:
    """A list that is stored with commas, for people: "a.example, b.example and 7 more"."""
    first, more = names.split(",")[:most], names.count(",") + 1 - most
    return f"{', '.join(first)} and {more:,} more" if more > 0 else ", ".join(first)


def fingerprint(digits: str) -> str:
    """A fingerprint in pairs: "ab12" is "AB:12"."""
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()


FILTERS = {
    f.__name__: f for f in (when, moment, day, number, size, duration, ago, until, share, plural, listed, fingerprint)
}
