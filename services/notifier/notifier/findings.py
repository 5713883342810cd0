"""A finding: what a rule sees at this moment. It is an alert's content, and holds as long as it is found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.facts import Facts
from pipeline.notifications.rules import Rule


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule` and `subject` say which alert it is. `link` is the path of the page that shows the evidence.

    `at` is of what happened and is over at once (a change of settings): nobody is told that it has ended.
    """

    rule: Rule
    subject: str
    title: str
    detail: str
    count: int = 1
    domain: str | None = None
    link: str = ""
    at: datetime | None = None


Check = Callable[[Facts, float], Sequence[Finding]]


def share(part: int, whole: int) -> str:
    """A share in whole per cent, which says 0 and 100 only of nothing and all.

    >>> share(999, 1000)
    '99 %'
    """
    if part <= 0 or whole <= 0:
        return "0 %"
    return "100 %" if part >= whole else f"{min(99, max(1, round(100 * part / whole)))} %"


def clean(text: str, *, limit: int = 200) -> str:
    """A stranger's text on one bounded line, without control characters."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * limit])
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def concerns(domain: str | None, wanted: tuple[str, ...]) -> bool:
    """Whether something about this domain (None: about no domain) concerns who asked for these (none: for all)."""
    return domain is None or not wanted or domain in wanted
