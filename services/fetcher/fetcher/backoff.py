"""How long to wait before a mailbox is tried again."""

import asyncio
import random

from fetcher.imap import ImapFault
from pipeline.connection import Category

FIRST_DELAY = 2.0  # seconds
LONGEST_DELAY = 900.0
PATIENT = frozenset((Category.AUTHENTICATION, Category.AUTH_EXPIRED, Category.PERMISSIONS, Category.THROTTLED))
PATIENT_FIRST_DELAY = 60.0  # a wrong password tried too often locks the account


def delay_after(failures: int, category: Category, *, jitter: float) -> float:
    """Seconds to wait after this many failures in a row (from 1).

    Doubles up to 15 minutes. `jitter` in 0..1 spreads the result over its upper half, so that many mailboxes of one
    server do not come back at the same moment.
    """
    first = PATIENT_FIRST_DELAY if category in PATIENT else FIRST_DELAY
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
