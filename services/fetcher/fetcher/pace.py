"""How fast a mailbox is read: how many mails at once, and how many a minute; pure.

Times are in seconds of any one clock.
"""

from collections import deque

FIRST_MAILS = 50  # so that the first ones of many are on their way within moments
MOST_MAILS = 1000
FEWEST_MAILS = 10
MINUTE = 60.0


class Pace:
    """`per_minute`: never more mails than this within any sixty seconds; None for no limit.

    A stretch that went well doubles the next one; a server that throttles or falls silent gets quarters.
    """

    def __init__(self, per_minute: int | None = None) -> None:
        self._per_minute = per_minute
        self._most = FIRST_MAILS
        self._spent: deque[tuple[float, int]] = deque()

    def mails(self, now: float) -> int:
        """How many mails may be read at once now; 0 while the minute's share is used up."""
        if self._per_minute is None:
            return self._most
        self._forget(now)
        return max(0, min(self._most, self._per_minute - sum(mails for _, mails in self._spent)))

    def wait_s(self, now: float) -> float:
        """Until some mail may be read; 0 when it may be now."""
        return 0.0 if self.mails(now) else self._spent[0][0] + MINUTE - now

    def went_well(self, mails: int, now: float) -> None:
        """So many mails were read without complaint."""
        self._most = min(self._most * 2, MOST_MAILS)
        if self._per_minute is not None:
            self._spent.append((now, mails))

    def went_badly(self) -> None:
        """The server wants less, or could not do so much in time."""
        self._most = max(self._most // 4, FEWEST_MAILS)

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] + MINUTE <= now:
            self._spent.popleft()
