"""What a refused action means: to be tried again, with growing delay, or final; pure. Times are seconds of one clock.

Servers refuse for many reasons and name few of them. So an unknown refusal passes until it has lasted for a day; a full
mailbox is waited for as long as it takes. What cannot change by itself (a folder that is not there, a right that is
missing) is final when the server has said it again and again, and so is an OK after which nothing was done.
"""

import re
from dataclasses import dataclass

from fetcher.imap import ImapFault, NotDone
from pipeline.contracts.connection_test import Category

CANNOT_CHANGE = frozenset((Category.PERMISSIONS, Category.MAILBOX_NOT_FOUND))
FINAL_AFTER = 3  # refusals that cannot change by themselves
NOT_DONE_FINAL_AFTER = 5  # times that the server says OK and does nothing: each one may leave another copy
FIRST_DELAY = 1.0
GROWTH = 4.0
LONGEST_DELAY = 900.0
GIVE_UP_AFTER_S = 24 * 3600.0  # of refusals that may pass
_FULL = re.compile(r"over ?quota|quota (is )?exceeded|mailbox (is )?full|disk full|no space", re.IGNORECASE)


class Senseless(ImapFault):
    """An action that must not be done, whatever the server says; no later try helps."""

    def __init__(self, detail: str) -> None:
        super().__init__(Category.PERMISSIONS, detail)


@dataclass(slots=True)
class _Trouble:
    fault: ImapFault
    since: float
    refusals: int = 0
    not_before: float = 0.0
    is_final: bool = False


class Refusals:
    """Of one mailbox's actions, each known by any key; nothing is kept over a restart."""

    def __init__(self) -> None:
        self._troubles: dict[object, _Trouble] = {}

    def wait_s(self, key: object, now: float) -> float:
        """Seconds until this may be tried again; 0 for now."""
        trouble = self._troubles.get(key)
        return max(0.0, trouble.not_before - now) if trouble and not trouble.is_final else 0.0

    def refused(self, key: object, fault: ImapFault, now: float) -> float | None:
        """Notes one more refusal; the seconds to wait before the next try, None when there is to be none."""
        trouble = self._troubles.get(key)
        if trouble is None or trouble.is_final:
            trouble = self._troubles[key] = _Trouble(fault, since=now)
        trouble.fault = fault
        trouble.refusals += 1
        if _is_final(trouble, now):
            trouble.is_final = True
            return None
        delay = min(FIRST_DELAY * GROWTH ** min(trouble.refusals - 1, 10), LONGEST_DELAY)
        delay = max(delay, min(fault.wait_s, LONGEST_DELAY))
        trouble.not_before = now + delay
        return delay

    def done(self, key: object) -> None:
        """The server has done it."""
        self._troubles.pop(key, None)

    @property
    def complaint(self) -> ImapFault | None:
        """The latest refusal of what is not done yet, for the mailbox's status."""
        return next((trouble.fault for trouble in reversed(self._troubles.values())), None)


def is_full(fault: ImapFault) -> bool:
    """Whether the mailbox has no room: that ends when somebody makes some."""
    return fault.code == "OVERQUOTA" or _FULL.search(fault.said or fault.detail) is not None


def _is_final(trouble: _Trouble, now: float) -> bool:
    if isinstance(trouble.fault, Senseless):
        return True
    if is_full(trouble.fault):
        return False
    if isinstance(trouble.fault, NotDone):
        return trouble.refusals >= NOT_DONE_FINAL_AFTER
    if trouble.fault.category in CANNOT_CHANGE:
        return trouble.refusals >= FINAL_AFTER
    return now - trouble.since >= GIVE_UP_AFTER_S
