"""How fast a mailbox is read: how many emails at once, and how many a minute; pure.

Times are in seconds of any one clock.
"""

import asyncio
import random
from collections import deque

from fetcher.imap.grammar.faults import ImapFault
from pipeline.contracts.connection_test import Category

FIRST_DELAY = 2.0  # seconds
LONGEST_DELAY = 900.0
SLOW = frozenset((Category.AUTHENTICATION, Category.AUTH_EXPIRED, Category.PERMISSIONS, Category.THROTTLED))
SLOW_FIRST_DELAY = 60.0  # a wrong password tried too often locks the account


def delay_after(failures: int, category: Category, *, jitter: float) -> float:
    """Seconds to wait after this many failures in a row (from 1).

    Doubles up to 15 minutes. `jitter` in 0..1 spreads the result over its upper half, so that many mailboxes of one
    server do not come back at the same moment.
    """
    first = SLOW_FIRST_DELAY if category in SLOW else FIRST_DELAY
    longest = min(first * 2.0 ** min(failures - 1, 20), LONGEST_DELAY)
    return longest * (0.5 + jitter / 2)


class Backoff:
    """The failures in a row of one kind of work, and when it may be tried again."""

    def __init__(self) -> None:
        self._failures = 0
        self._not_before = 0.0  # loop time

    @property
    def wait_s(self) -> float:
        """Seconds until the next attempt is allowed; 0 when it is allowed now."""
        return max(0.0, self._not_before - asyncio.get_running_loop().time())

    def failed(self, fault: ImapFault) -> float:
        """Notes a fault: the next attempt has to wait longer. Gives the seconds."""
        self._failures += 1
        delay = delay_after(self._failures, fault.category, jitter=random.random())  # noqa: S311 spread, not secrecy
        delay = max(delay, min(fault.wait_s, LONGEST_DELAY))
        self._not_before = asyncio.get_running_loop().time() + delay
        return delay

    def succeeded(self) -> None:
        """Forgets earlier failures."""
        self._failures = 0
        self._not_before = 0.0

    def retry_now(self) -> None:
        """Lets the next attempt be made at once; how many failed before still counts."""
        self._not_before = 0.0


FIRST_MAILS = 50  # so that the first ones of many are on their way within moments
MOST_MAILS = 1000
FEWEST_MAILS = 10
MINUTE = 60.0


class Pace:
    """`per_minute`: never more emails than this within any sixty seconds; None for no limit.

    A stretch that went well doubles the next one; a server that throttles or falls silent gets quarters.
    """

    def __init__(self, per_minute: int | None = None) -> None:
        self._per_minute = per_minute
        self._most = FIRST_MAILS
        self._spent: deque[tuple[float, int]] = deque()

    def mails(self, now: float) -> int:
        """How many emails may be read at once now; 0 while the minute's share is used up."""
        if self._per_minute is None:
            return self._most
        self._forget(now)
        return max(0, min(self._most, self._per_minute - sum(mails for _, mails in self._spent)))

    def wait_s(self, now: float) -> float:
        """Until some mail may be read; 0 when it may be now."""
        return 0.0 if self.mails(now) else self._spent[0][0] + MINUTE - now

    def went_well(self, mails: int, now: float) -> None:
        """So many emails were read without complaint."""
        self._most = min(self._most * 2, MOST_MAILS)
        if self._per_minute is not None:
            self._spent.append((now, mails))

    def went_badly(self) -> None:
        """The server wants less, or could not do so much in time."""
        self._most = max(self._most // 4, FEWEST_MAILS)

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] + MINUTE <= now:
            self._spent.popleft()
