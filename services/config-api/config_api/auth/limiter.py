"""A limit on wrong guesses: so many in a while from one address, and so many from all together."""

from collections import deque
from collections.abc import Callable
from threading import Lock
from time import monotonic

WINDOW = 300.0  # seconds
PER_CLIENT = 10
ALTOGETHER = 200
MAX_CLIENTS = 10_000


class Limiter:
    """Counts wrong guesses in memory; a restart forgets them."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._wrong: dict[str, deque[float]] = {}
        self._all: deque[float] = deque()
        self._lock = Lock()

    def wait(self, client: str) -> int:
        """Seconds until this client may guess again; 0 when it may now."""
        with self._lock:
            waits = (self._left(self._wrong.get(client), PER_CLIENT), self._left(self._all, ALTOGETHER))
        return max(waits)

    def wrong(self, client: str) -> None:
        """Notes a wrong guess."""
        with self._lock:
            if len(self._wrong) >= MAX_CLIENTS:
                self._wrong.clear()  # the limit on all together still holds
            for guesses in (self._wrong.setdefault(client, deque(maxlen=PER_CLIENT)), self._all):
                guesses.append(self._now())
            while len(self._all) > ALTOGETHER:
                self._all.popleft()

    def right(self, client: str) -> None:
        """Forgets the client's wrong guesses."""
        with self._lock:
            self._wrong.pop(client, None)

    def _left(self, guesses: deque[float] | None, allowed: int) -> int:
        if guesses is None or len(guesses) < allowed:
            return 0
        return max(0, round(guesses[0] + WINDOW - self._now() + 0.5))
