"""So many requests of the API a minute for each credential, and in every answer how many are left.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` says what holds, `RateLimit` how
much is left. Counted in memory, by each process for itself; a restart forgets.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Lock
from time import monotonic

from flask import Flask, Response, current_app, g

from config_api.web.problem import Problem

EXTENSION = "rate_limit"
WINDOW = 60  # seconds
MOST_CREDENTIALS = 10_000
POLICY = "api"


@dataclass(slots=True)
class Used:
    """A credential's requests since its window began (by the clock of the limit)."""

    began: float
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests there may be in a window, are left, and seconds until all are there again."""

    quota: int
    window: int
    left: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """As structured fields (RFC 9651)."""
        return {
            "RateLimit-Policy": f'"{POLICY}";q={self.quota};w={self.window}',
            "RateLimit": f'"{POLICY}";r={self.left};t={self.reset}',
        }


class RateLimit:
    """Counts requests; `quota` 0: any number. `window` in seconds."""

    def __init__(self, quota: int, *, window: int = WINDOW, now: Callable[[], float] = monotonic) -> None:
        self.quota = quota
        self._window = window
        self._now = now
        self._used: OrderedDict[bytes, Used] = OrderedDict()
        self._lock = Lock()

    def count(self, credential: bytes) -> tuple[Allowance, bool]:
        """One more request of this credential: what it has left, and whether this one is within its quota."""
        with self._lock:
            now = self._now()
            used = self._used.setdefault(credential, Used(now))
            self._used.move_to_end(credential)
            if len(self._used) > MOST_CREDENTIALS:
                self._used.popitem(last=False)
            if now >= used.began + self._window:
                used.began, used.requests = now, 0
            is_allowed = used.requests < self.quota
            used.requests += is_allowed
            reset = max(1, ceil(used.began + self._window - now))
            return Allowance(self.quota, self._window, self.quota - used.requests, reset), is_allowed


def count(credential: bytes) -> None:
    """Counts the request in hand. Raises Problem 429."""
    limit: RateLimit = current_app.extensions[EXTENSION]
    if not limit.quota:
        return
    g.allowance, is_allowed = limit.count(credential)
    if not is_allowed:
        seconds = g.allowance.reset
        text = f"At most {limit.quota:,} requests a minute are answered. Try again in {seconds} seconds."
        raise Problem(429, "Too many requests", text, retry_after=seconds)


def install(app: Flask, quota: int) -> None:
    """Limits the application's API, and tells in its answers what is left."""
    app.extensions[EXTENSION] = RateLimit(quota)

    @app.after_request
    def tell(response: Response) -> Response:
        if "allowance" in g:
            response.headers.update(g.allowance.headers)
        return response
