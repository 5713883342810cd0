"""Settings > Sessions: who is signed in, from where; an administrator may end each."""

from flask import Blueprint
from werkzeug.wrappers import Response

from config_api.access import guard, sessions
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.view import Template, on_loop, template

HERE = "/settings/sessions"

blueprint = Blueprint("sessions", __name__, url_prefix=HERE)


@blueprint.get("")
@needs(Scope.ADMIN)
@on_loop
async def show() -> Template:
    """All of them."""
    found = await sessions.all(backend().database, backend().settings, guard.known(), only_own=False)
    return template("access/sessions.html", sessions=found, here=HERE)


@blueprint.post("/<int:session_id>/end")
@needs(Scope.ADMIN)
@on_loop
async def end(session_id: int) -> Response:
    """Sign a browser out."""
    await sessions.end_one(backend().database, session_id, guard.known(), only_own=False)
    return told(HERE, "session-ended")


@blueprint.post("/end-others")
@needs(Scope.ADMIN)
@on_loop
async def end_others() -> Response:
    """Sign every other browser out."""
    ended = await sessions.end_others(backend().database, guard.known(), only_own=False)
    return told(HERE, "sessions-ended", count=ended)
