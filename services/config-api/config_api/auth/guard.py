"""Nobody gets past without showing who they are."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from flask import g, redirect, request
from werkzeug.wrappers import Response

from config_api.auth import admin, csrf, sessions, sign_in, tokens
from config_api.auth.scopes import Identity, Scope
from config_api.backend import Backend, backend
from config_api.problem import Problem

P = ParamSpec("P")
R = TypeVar("R")

BROWSER = Identity(name="admin", scope=Scope.ADMIN, is_browser=True)
ADMIN_TOKEN = Identity(name="admin token", scope=Scope.ADMIN, is_browser=False)


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
    if identity.is_browser and request.method not in csrf.SAFE_METHODS:
        csrf.check()
    return identity


def require_session() -> Response | None:
    """For pages: a redirect to the sign-in page without a session, else None. Raises Problem 403 for a foreign form."""
    identity = _identity()
    if identity is None or not identity.is_browser:
        target = request.full_path.rstrip("?") if request.method == "GET" else sign_in.HOME
        return redirect(f"/sign-in?next={quote(target, safe='')}", code=303)
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
    authorization = request.authorization
    if authorization is not None:
        is_bearer = authorization.type == "bearer" and authorization.token
        return _bearer(back, authorization.token or "") if is_bearer else None
    cookie = request.cookies.get(sessions.COOKIE)
    return BROWSER if cookie and back.run(sessions.is_good(back.database, cookie)) else None


def _bearer(back: Backend, secret: str) -> Identity | None:
    if admin.is_configured_token(secret, back.settings):
        return ADMIN_TOKEN
    if secret.startswith(tokens.PREFIX):
        return back.run(tokens.holder(back.database, secret))
    made = back.run(sign_in.made_token_hash(back.database))
    return ADMIN_TOKEN if admin.is_made_token(secret, made, back.settings) else None
