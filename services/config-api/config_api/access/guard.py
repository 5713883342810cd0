"""Nobody gets past without showing who they are, and nobody further than the route says (`web/needs.py`)."""

from typing import Any
from urllib.parse import quote

import structlog
from flask import Flask, Response, current_app, g, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from config_api.access import csrf, sessions, sign_in
from config_api.access.audit import entries
from config_api.access.audit.entries import Actor
from config_api.access.scopes import Identity, Scope
from config_api.backend import Backend, backend
from config_api.backend.confinement import confine
from config_api.errors import Forbidden, NotSignedIn
from config_api.web.api.idempotency import REPLAYED
from config_api.web.needs import Need, need_of
from pipeline.errors import TryLater

log = structlog.get_logger(__name__)

AUTHORIZATION = "Authorization"  # read as it is: the framework fails over bytes that are not ASCII
SIGNED_IN_BODY = 1024 * 1024  # bytes of a body; a stranger may send those of a sign-in form
COMMAND_LINE = "dmarq/"  # how the dmarq command calls itself


def protect(app: Flask) -> None:
    """Every request of the application passes here, before any view: the one place that lets it or refuses it."""
    app.before_request(_let_in)
    app.after_request(_note_change)
    app.teardown_request(_forget)
    app.jinja_env.globals.update(may=may, identity=identity)


def identity() -> Identity | None:
    """Who sent this request. Raises TooManyTries."""
    if "identity" not in g:
        g.identity = _found(backend())
    found: Identity | None = g.identity
    return found


def known() -> Identity:
    """Who sent this request, for a view that strangers cannot reach."""
    found = identity()
    if found is None:
        raise NotSignedIn()
    return found


def require(scope: Scope) -> Identity:
    """Who sent this request, where a part of it needs more than its route. Raises Forbidden."""
    found = known()
    if not found.scope.holds(scope):
        raise Forbidden(f"This needs the scope {scope}.")
    return found


def is_known_program() -> bool:
    """Whether the request carries a token that is good. Raises TooManyTries."""
    return AUTHORIZATION in request.headers and identity() is not None


def who() -> str:
    """The name of who sent this request, for the activity log."""
    found = identity()
    return found.name if found else "nobody"


def may(path: str, method: str = "GET") -> bool:
    """Whether this address is for whoever sent the request; pages show no more than that."""
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return False
    try:
        endpoint, _ = adapter.match(path.partition("?")[0].partition("#")[0], method=method)
    except HTTPException:
        return True
    need, found = need_of(current_app.view_functions[str(endpoint)]), g.get("identity")
    return need is not None and (need.scope is None or (found is not None and found.may(need)))


def _let_in() -> AnyResponse | None:
    confine(None)
    entries.act_as(None)
    if request.endpoint is None:
        return None  # there is no such page
    need = need_of(current_app.view_functions[request.endpoint])
    if need is None:
        raise Forbidden("Nobody may do this: it was not said who may.")
    if need.scope is None:
        return None
    found = identity()
    if found is None or (need.for_pages and not found.is_browser):
        return _ask_for_sign_in(need)
    if not found.may(need):
        raise Forbidden(_why_not(found, need))
    g.credential = found.credential
    request.max_content_length = SIGNED_IN_BODY
    if found.is_browser and request.method not in csrf.SAFE_METHODS:
        csrf.check()
    confine(found.domains)
    entries.act_as(Actor(found.name, _via(found), request.remote_addr or ""))
    return None


def _forget(_: BaseException | None) -> None:
    """The next request may be of somebody else."""
    confine(None)
    entries.act_as(None)


def _ask_for_sign_in(need: Need) -> AnyResponse:
    if not need.for_pages:
        raise NotSignedIn("Send a token: Authorization: Bearer …")
    target = request.full_path.rstrip("?") if request.method == "GET" else sign_in.HOME
    return redirect(f"/sign-in?next={quote(target, safe='')}", code=303)


def _why_not(found: Identity, need: Need) -> str:
    if need.scope is not None and found.scope.holds(need.scope):
        return "You see what is about your own domains; this is about more."
    if found.is_browser:
        return "Your role does not allow this. An administrator can change it under Settings > Users."
    return f"This needs a token with the scope {need.scope}."


def _via(found: Identity) -> str:
    if found.is_browser:
        return "browser"
    return "command line" if request.user_agent.string.startswith(COMMAND_LINE) else "program"


def _note_change(response: Response) -> Response:
    """A request that changed something and left no line of its own in the audit log gets a general one."""
    acting = entries.actor()
    is_change = request.method not in csrf.SAFE_METHODS and response.status_code < 400
    is_change = is_change and REPLAYED not in response.headers  # what was done before, and noted then
    if is_change and not acting.has_noted and g.get("identity") is not None and request.endpoint:
        text = (current_app.view_functions[request.endpoint].__doc__ or request.endpoint).partition("\n")[0]
        try:
            backend().run(_noted(backend(), request.endpoint.rpartition(".")[2], text, request.path))
        except TryLater as error:
            log.error("audit_line_lost", action=request.endpoint, path=request.path, who=acting.who, error=error.detail)
    return response


async def _noted(back: Backend, action: str, text: str, path: str) -> None:
    async with back.whole_database.connection() as connection:
        await entries.note(connection, action, text, target=path)


def _found(back: Backend) -> Identity | None:
    if AUTHORIZATION in request.headers:
        scheme, _, token = request.headers[AUTHORIZATION].partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        return back.run(sign_in.current().holder(token.strip(), client=request.remote_addr or ""))
    cookie = request.cookies.get(sessions.COOKIE)
    if not cookie:
        return None
    return back.run(sessions.identity_of(back.whole_database, cookie, back.settings))


def client() -> sessions.Client:
    """From where, and with what, this request came."""
    return sessions.Client(request.remote_addr or "", request.user_agent.string)


def cookie_of(response: Any, value: str) -> Any:
    """The answer with the cookie of a new session."""
    sessions.set_cookie(response, value)
    return response
