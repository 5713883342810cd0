"""Nobody gets past without showing who they are."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from flask import g, redirect, request
from werkzeug.wrappers import Response

from config_api.access import csrf, sessions, sign_in
from config_api.access.scopes import Identity, Scope
from config_api.backend import Backend, backend
from config_api.web.problem import Problem

P = ParamSpec("P")
R = TypeVar("R")

AUTHORIZATION = "Authorization"  # read as it is: the framework fails over bytes that are not ASCII
SIGNED_IN_BODY = 1024 * 1024  # bytes of a body; a stranger may send those of a sign-in form


def is_known_program() -> bool:
    """Whether the request carries a token that is good. Raises Problem 429."""
    return AUTHORIZATION in request.headers and _identity() is not None


def who() -> str:
    """The name of who sent this request, for the activity log."""
    identity = _identity()
    return identity.name if identity else "nobody"


def require(scope: Scope) -> Identity:
    """Who sent this request of the API. Raises Problem 401, 403."""
    identity = _identity()
    if identity is None:
        raise Problem(401, "Sign in first", "Send a token: Authorization: Bearer …")
    if not identity.scope.holds(scope):
        raise Problem(403, "Not allowed", f"This needs a token with the scope {scope}.")
    request.max_content_length = SIGNED_IN_BODY
    if identity.is_browser and request.method not in csrf.SAFE_METHODS:
        csrf.check()
    return identity


def require_session() -> Response | None:
    """For pages: a redirect to the sign-in page without a session, else None. Raises Problem 403 for a foreign form."""
    identity = _identity()
    if identity is None or not identity.is_browser:
        target = request.full_path.rstrip("?") if request.method == "GET" else sign_in.HOME
        return redirect(f"/sign-in?next={quote(target, safe='')}", code=303)
    request.max_content_length = SIGNED_IN_BODY
    if request.method not in csrf.SAFE_METHODS:
        csrf.check()
    return None


def page(view: Callable[P, R]) -> Callable[P, Any]:
    """Decorates a view that only a signed-in browser may see."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        return require_session() or view(*args, **kwargs)

    return guarded


def _identity() -> Identity | None:
    if "identity" not in g:
        g.identity = _found(backend())
    found: Identity | None = g.identity
    return found


def _found(back: Backend) -> Identity | None:
    if AUTHORIZATION in request.headers:
        scheme, _, token = request.headers[AUTHORIZATION].partition(" ")
        return _holder(token.strip()) if scheme.lower() == "bearer" and token.strip() else None
    cookie = request.cookies.get(sessions.COOKIE)
    if not cookie:
        return None
    credential = back.run(sessions.credential_of(back.database, cookie, back.settings))
    if credential is None:
        return None
    return Identity(name="admin", scope=Scope.ADMIN, is_browser=True, credential=credential)


def _holder(secret: str) -> Identity | None:
    return sign_in.current().holder(secret, client=request.remote_addr or "")
