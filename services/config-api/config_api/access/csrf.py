"""Only our own pages may change something: a token in each form, bound to the browser's cookie, and the Origin."""

from base64 import urlsafe_b64encode
from hmac import digest as hmac_digest
from urllib.parse import urlsplit

from flask import Response, g, request

from config_api.access.hashing import new_secret, same
from config_api.access.sessions import COOKIE, set_cookie
from config_api.backend import backend
from config_api.errors import Forbidden

ANONYMOUS_COOKIE = "dmarq_visitor"  # for the sign-in form, where there is no session yet
ANONYMOUS_LIFE = 3600  # seconds
FIELD, HEADER = "csrf_token", "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def token() -> str:
    """The token for a form on the page that is being made."""
    cookie = _cookie() or g.get("visitor")
    if not cookie:
        cookie = g.visitor = new_secret()
    return _bound_to(cookie)


def check() -> None:
    """Raises Forbidden for a request that did not come from a page of ours."""
    origin = request.headers.get("Origin")
    if origin is not None and _place(origin) not in _own_addresses():
        raise Forbidden("The request came from a page of another site.", title="Not from here")
    sent = (request.form.get(FIELD) or request.headers.get(HEADER) or "").encode()
    cookie = _cookie()
    if not cookie or not same(sent, _bound_to(cookie).encode()):
        raise Forbidden("Load the page again, then send the form again.", title="The form is too old")


def keep_visitor(response: Response) -> Response:
    """Gives the browser the cookie that the token of this page is bound to, where it had none."""
    if "visitor" in g:
        set_cookie(response, g.visitor, name=ANONYMOUS_COOKIE, life=ANONYMOUS_LIFE)
    return response


def _cookie() -> str | None:
    """What tokens are bound to: the session wherever there is one, so that a visitor's token is no good in it."""
    return request.cookies.get(COOKIE) or request.cookies.get(ANONYMOUS_COOKIE)


def _place(origin: str) -> str:
    """Host and port; empty for what is no address."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _bound_to(cookie: str) -> str:
    return urlsafe_b64encode(hmac_digest(cookie.encode(), b"dmarq csrf", "sha256")).decode()


def _own_addresses() -> set[str]:
    return {request.host, urlsplit(backend().settings.public_url).netloc} - {""}
