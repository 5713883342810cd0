"""A limit on wrong guesses: so many in a while from one client, and beyond so many from all together, slowly.

A guess is counted before it is judged, and taken back when it was right: so guesses that come at the same moment are
counted as those are that come one by one.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition
from time import monotonic

from config_api.web.problem import Problem

WINDOW = 300.0  # seconds
PER_CLIENT = 10
ALTOGETHER = 200
MAX_CLIENTS = 10_000
JUDGING = 2.0  # seconds that a guess waits for those of the same client that are being judged


@dataclass(slots=True)
class Attempt:
    """A guess that is being judged."""

    is_right: bool = False


@dataclass(slots=True)
class _Guesses:
    wrong: deque[float] = field(default_factory=lambda: deque(maxlen=PER_CLIENT))
    judged_now: int = 0


class Limiter:
    """Counts in memory; a restart forgets."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._clients: OrderedDict[str, _Guesses] = OrderedDict()
        self._all: deque[float] = deque(maxlen=ALTOGETHER)
        self._change = Condition()

    @property
    def is_under_attack(self) -> bool:
        """Whether there were so many wrong guesses lately that every further one is to take its time."""
        with self._change:
            return len(self._all) == ALTOGETHER and self._all[0] > self._now() - WINDOW

    @contextmanager
    def attempt(self, client: str) -> Iterator[Attempt]:
        """Counts a guess; inside the block it is judged. Raises Problem 429 where this client has made too many.

        What ends the block with an exception was no guess.
        """
        guesses = self._counted(client)
        attempt = Attempt()
        is_judged = False
        try:
            yield attempt
            is_judged = True
        finally:
            with self._change:
                guesses.judged_now -= 1
                if attempt.is_right:
                    guesses.wrong.clear()
                elif is_judged:
                    guesses.wrong.append(self._now())
                    self._all.append(self._now())
                self._change.notify_all()

    def _counted(self, client: str) -> _Guesses:
        with self._change:
            guesses = self._clients.setdefault(client, _Guesses())
            self._clients.move_to_end(client)
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
            may_be_judged = self._change.wait_for(lambda: self._has_room(guesses), JUDGING)
            wait = self._left(guesses)
            if wait or not may_be_judged:
                seconds = wait or round(JUDGING)
                raise Problem(429, "Too many wrong tries", f"Try again in {seconds} seconds.", retry_after=seconds)
            guesses.judged_now += 1
            return guesses

    def _has_room(self, guesses: _Guesses) -> bool:
        """Whether it is clear already what becomes of one more guess."""
        recent = sum(at > self._now() - WINDOW for at in guesses.wrong)
        return recent == PER_CLIENT or recent + guesses.judged_now < PER_CLIENT

    def _left(self, guesses: _Guesses) -> int:
        """Seconds until the client may guess again; 0 when it may now."""
        if len(guesses.wrong) < PER_CLIENT:
            return 0
        return max(0, round(guesses.wrong[0] + WINDOW - self._now() + 0.5))
