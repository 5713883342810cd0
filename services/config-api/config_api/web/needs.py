"""What a route needs of whoever calls it, declared at the route. One without a declaration is served to nobody.

Whoever was let in (`access/guard.py`) has the fingerprint of what they showed in `flask.g.credential`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])
ATTRIBUTE = "_need"


@dataclass(frozen=True, slots=True)
class Need:
    """`scope`: what they must be allowed to do; None: the route is open to strangers.

    `within_domains`: somebody who is bound to domains may call it, because all that it gives is read from the database
    as far as they may see it, or is about themselves. `for_pages`: only a signed-in browser may; else programs, too.
    """

    scope: StrEnum | None
    within_domains: bool = False
    for_pages: bool = False


def needs(scope: StrEnum, *, for_pages: bool = True) -> Callable[[View], View]:
    """Decorates the view of a route, outside of all other decorators but the route's own."""
    return _declared(Need(scope, for_pages=for_pages))


def within_domains(view: View) -> View:
    """Decorates a view whose need is declared, for those who are bound to domains, too."""
    need = need_of(view)
    if need is None:
        raise TypeError("say first what the view needs")
    return _declared(replace(need, within_domains=True))(view)


def open_to_all(view: View) -> View:
    """Decorates a view that strangers may see."""
    return _declared(Need(None))(view)


def need_of(view: Callable[..., Any]) -> Need | None:
    """What was declared; None where nothing was."""
    found: Need | None = getattr(view, ATTRIBUTE, None)
    return found


def _declared(need: Need) -> Callable[[View], View]:
    def declare(view: View) -> View:
        setattr(view, ATTRIBUTE, need)
        return view

    return declare
