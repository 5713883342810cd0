"""To which domains the request in hand is confined: set once, when it is known who sent it, and obeyed below."""

from contextvars import ContextVar

_domains: ContextVar[frozenset[str] | None] = ContextVar("domains", default=None)


def confine(domains: frozenset[str] | None) -> None:
    """From now on, and in what this context begins, only these domains are there. None: all."""
    _domains.set(domains)


def confined_to() -> frozenset[str] | None:
    """The domains; None for all of them."""
    return _domains.get()
