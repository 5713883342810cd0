"""What changed about a source: new, gone silent, suddenly more, suddenly failing. Pure."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.sources.judge import Facts

WINDOW_DAYS = 30  # of sums; those before it are of as many days
NEW_DAYS = 7
SILENT_DAYS = 7
LEAST = 20  # messages; below them nothing is a change
TIMES_MORE = 5
FAILING_SHARE = 0.1  # of messages that fail now
FAILED_BEFORE = 0.02  # of messages that failed in the window before


class Change(StrEnum):
    """What is other than before."""

    NEW = "new"
    SILENT = "silent"
    MORE = "more"
    FAILING = "failing"


def changes_of(facts: "Facts") -> tuple[Change, ...]:
    """All that apply."""
    return tuple(change for change, rule in _RULES.items() if rule(facts))


def _is_new(facts: "Facts") -> bool:
    """Seen for the first time in the last week, of a domain that has been reported on for longer."""
    if facts.first_day is None or facts.window_end is None or facts.domain_since is None:
        return False
    since = facts.window_end - timedelta(days=NEW_DAYS)
    return facts.now.messages >= LEAST and facts.domain_since <= since < facts.first_day


def _is_silent(facts: "Facts") -> bool:
    """It sent, and of the last week, which was reported on, there is nothing."""
    if facts.last_day is None or facts.window_end is None:
        return False
    sent = facts.now.messages + facts.before.messages
    return sent >= LEAST and facts.last_day <= facts.window_end - timedelta(days=SILENT_DAYS)


def _is_more(facts: "Facts") -> bool:
    return facts.before.messages > 0 and facts.now.messages >= max(LEAST, TIMES_MORE * facts.before.messages)


def _is_failing(facts: "Facts") -> bool:
    now, before = facts.now, facts.before
    was_good = before.messages >= LEAST and before.share(before.failed) <= FAILED_BEFORE
    return was_good and now.messages >= LEAST and now.share(now.failed) >= FAILING_SHARE


_RULES: dict[Change, Callable[["Facts"], bool]] = {
    Change.NEW: _is_new,
    Change.SILENT: _is_silent,
    Change.MORE: _is_more,
    Change.FAILING: _is_failing,
}
