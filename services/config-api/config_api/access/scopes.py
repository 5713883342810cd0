"""What an identity may do; each scope holds the ones before it."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """`read` looks, `operate` starts and stops work, `admin` changes settings and tokens."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def holds(self, other: "Scope") -> bool:
        """Whether this scope is enough where the other one is needed."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sent the request. `name` is for the activity log; `is_browser`: by cookie, which needs a CSRF token;
    `credential`: the fingerprint of what they showed, now or when their session began."""

    name: str
    scope: Scope
    is_browser: bool
    credential: bytes
