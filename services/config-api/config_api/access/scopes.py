"""What an identity may do; each scope holds the ones before it."""

from dataclasses import dataclass
from enum import StrEnum

from config_api.web.needs import Need


class Scope(StrEnum):
    """`read` looks, `operate` starts and stops work, `admin` changes settings, users and tokens."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def holds(self, other: StrEnum) -> bool:
        """Whether this scope is enough where the other one is needed."""
        order = list(Scope)
        return order.index(self) >= order.index(Scope(other))


class Role(StrEnum):
    """What a user is: a scope by the name that people use for it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def scope(self) -> Scope:
        """What that role may do."""
        return _SCOPES[self]


_SCOPES = {Role.VIEWER: Scope.READ, Role.OPERATOR: Scope.OPERATE, Role.ADMIN: Scope.ADMIN}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sent the request. `name` is for the logs; `is_browser`: by cookie, which needs a CSRF token;
    `credential`: the fingerprint of what they showed, now or when their session began; `domains`: the only ones that
    they see, None: all."""

    name: str
    scope: Scope
    is_browser: bool
    credential: bytes
    user_id: int | None = None
    session_id: int | None = None
    domains: frozenset[str] | None = None

    def may(self, need: Need) -> bool:
        """Whether a route that needs this is for them."""
        if need.scope is None:
            return True
        return self.scope.holds(need.scope) and (need.within_domains or self.domains is None)
