"""My account: what I may do, my password, and where I am signed in."""

from flask import Blueprint, request
from werkzeug.wrappers import Response

from config_api.access import guard, sessions, sign_in
from config_api.access.pages.sign_in import DIFFER
from config_api.access.scopes import Scope
from config_api.access.users import store
from config_api.backend import backend
from config_api.errors import DomainError, NotSignedIn, TooManyTries, Unavailable
from config_api.web import words
from config_api.web.errors import status_of
from config_api.web.needs import needs, within_domains
from config_api.web.notes import told
from config_api.web.view import Template, on_loop, template

HERE = "/account"

blueprint = Blueprint("account", __name__, url_prefix=HERE)


@blueprint.get("")
@within_domains
@needs(Scope.READ)
@on_loop
async def show() -> Template:
    """The page."""
    return await _page({})


@blueprint.post("/password")
@within_domains
@needs(Scope.READ)
@on_loop
async def change_password() -> Response | tuple[Template, int]:
    """Change one's own password, after the present one (or the admin token) was given."""
    access, found = sign_in.current(), guard.known()
    wanted = request.form.get("password", "")
    if wanted != request.form.get("again", ""):
        return await _page({"again": DIFFER}), 422
    try:
        name = found.name if found.user_id is not None else ""
        await access.check(request.form.get("current", ""), client=request.remote_addr or "", name=name)
        await access.set_own_password(found, wanted)
    except (NotSignedIn, TooManyTries, Unavailable) as refused:
        return await _page({"current": refused.detail or refused.title}), status_of(refused)
    except DomainError as refused:
        return await _page({error.field: error.text for error in refused.errors} or {"password": refused.detail}), 422
    return told(HERE, "password")


@blueprint.post("/sessions/<int:session_id>/end")
@within_domains
@needs(Scope.READ)
@on_loop
async def end_session(session_id: int) -> Response:
    """Sign one of one's own browsers out."""
    await sessions.end_one(backend().whole_database, session_id, guard.known(), only_own=True)
    return told(HERE, "session-ended")


@blueprint.post("/sessions/end-others")
@within_domains
@needs(Scope.READ)
@on_loop
async def end_others() -> Response:
    """Sign all other browsers of one's own out."""
    ended = await sessions.end_others(backend().whole_database, guard.known(), only_own=True)
    return told(HERE, "sessions-ended", count=ended)


async def _page(faults: dict[str, str]) -> Template:
    found, database = guard.known(), backend().whole_database
    user = None if found.user_id is None else await store.get(database, found.user_id)
    own = await sessions.all(database, backend().settings, found, only_own=True)
    return template(
        "access/account.html", who=found, user=user, sessions=own, here=f"{HERE}/sessions", faults=faults,
        scopes=words.SCOPES, roles=words.ROLES,
    )  # fmt: skip
