"""A limit on wrong guesses: so many in a while from one client, and beyond so many from all together, slowly.

A guess is counted before it is judged, and taken back when it was right: so guesses that come at the same moment are
counted as those are that come one by one. A right one takes back itself alone: else whoever has an account could guess
at those of others without end, signing in with their own in between.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from config_api.errors import TooManyTries

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
    """Counts in memory, on one event loop; a restart forgets."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._clients: OrderedDict[str, _Guesses] = OrderedDict()
        self._all: deque[float] = deque(maxlen=ALTOGETHER)
        self._judged = asyncio.Event()  # set, and replaced, whenever a guess was judged

    @property
    def is_under_attack(self) -> bool:
        """Whether there were so many wrong guesses lately that every further one is to take its time."""
        return len(self._all) == ALTOGETHER and self._all[0] > self._now() - WINDOW

    @asynccontextmanager
    async def attempt(self, client: str) -> AsyncIterator[Attempt]:
        """Counts a guess; inside the block it is judged. Raises TooManyTries where this client has made too many.

        What ends the block with an exception was no guess.
        """
        guesses = await self._counted(client)
        attempt = Attempt()
        is_judged = False
        try:
            yield attempt
            is_judged = True
        finally:
            guesses.judged_now -= 1
            if is_judged and not attempt.is_right:
                guesses.wrong.append(self._now())
                self._all.append(self._now())
            self._judged.set()
            self._judged = asyncio.Event()

    async def _counted(self, client: str) -> _Guesses:
        guesses = self._clients.setdefault(client, _Guesses())
        self._clients.move_to_end(client)
        if len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)
        may_be_judged = await self._waited_for_room(guesses)
        wait = self._left(guesses)
        if wait or not may_be_judged:
            seconds = wait or round(JUDGING)
            raise TooManyTries(f"Try again in {seconds} seconds.", retry_after=seconds)
        guesses.judged_now += 1
        return guesses

    async def _waited_for_room(self, guesses: _Guesses) -> bool:
        try:
            async with asyncio.timeout(JUDGING):
                while not self._has_room(guesses):
                    await self._judged.wait()
        except TimeoutError:
            return False
        return True

    def _has_room(self, guesses: _Guesses) -> bool:
        """Whether it is clear already what becomes of one more guess."""
        recent = sum(at > self._now() - WINDOW for at in guesses.wrong)
        return recent == PER_CLIENT or recent + guesses.judged_now < PER_CLIENT

    def _left(self, guesses: _Guesses) -> int:
        """Seconds until the client may guess again; 0 when it may now."""
        if len(guesses.wrong) < PER_CLIENT:
            return 0
        return max(0, round(guesses.wrong[0] + WINDOW - self._now() + 0.5))
