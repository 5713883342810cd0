"""A digest as text and as HTML; pure. What strangers wrote is escaped, and cut to one line."""

from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from notifier.digest.figures import Figures
from notifier.digest.period import Period
from notifier.facts import labelled
from notifier.findings import clean, share
from notifier.rules.mailboxes import trouble


@dataclass(frozen=True, slots=True)
class Rendered:
    """A digest for people."""

    title: str
    text: str
    html: str


def render(figures: Figures, period: Period, *, public_url: str) -> Rendered:
    """The digest of a period; links lead to `public_url`."""
    values = {"f": figures, "t": figures.totals, "period": period, "url": public_url.rstrip("/")}
    title = _title(figures, period)
    return Rendered(
        title=title,
        text=_environment().get_template("digest.txt").render(values, title=title),
        html=_environment().get_template("digest.html").render(values, title=title),
    )


def change(now: int, before: int) -> str:
    """How a figure compares with the one before, in words.

    >>> change(150, 100)
    '+50 %'
    """
    if before == now:
        return "as before"
    if before <= 0:
        return "none before"
    difference = round(100 * (now - before) / before)
    return f"{difference:+,d} %" if abs(difference) < 1000 else f"{now / before:.0f} times"


def _title(figures: Figures, period: Period) -> str:
    kind = "Daily" if period.days == 1 else "Weekly"
    if figures.is_quiet:
        return f"{kind} digest: no reports, {period.name}"
    passed = share(figures.totals.passed, figures.totals.messages)
    number = figures.open_alerts
    attention = f", {number} {'alert is' if number == 1 else 'alerts are'} open" if number else ""
    return f"{kind} digest: {passed} of {figures.totals.messages:,} messages passed{attention}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("notifier.digest"),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(line=clean, number=lambda n: f"{n:,}", when=lambda at: f"{at:%d %B, %H:%M} UTC")
    environment.globals.update(share=share, change=change, labelled=labelled, trouble=trouble)
    return environment
