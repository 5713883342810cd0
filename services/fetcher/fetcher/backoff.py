"""How long to wait before a mailbox is tried again; pure."""

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
