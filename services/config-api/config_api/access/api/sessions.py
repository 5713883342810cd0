"""Signed-in browsers, for administrators."""

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from config_api.access import guard, sessions
from config_api.access.scopes import Scope
from config_api.access.sessions import SessionView
from config_api.backend import backend
from config_api.web.contract import PREFIX, operation

routes = Blueprint("api_sessions", __name__, url_prefix=f"{PREFIX}/sessions")


class SessionList(BaseModel):
    """Sessions that are not over, the one seen last first."""

    items: list[SessionView]


class Ended(BaseModel):
    """What came to an end."""

    sessions: int = Field(description="How many.")


@routes.get("")
@operation(Scope.ADMIN, gives=SessionList)
async def list_sessions() -> SessionList:
    """Every signed-in browser, the 500 seen last."""
    return SessionList(items=await sessions.all(backend().database, backend().settings, guard.known(), only_own=False))


@routes.delete("/<int:session_id>")
@operation(Scope.ADMIN, status=204, fails=(404,))
async def end_session(session_id: int) -> Response:
    """Sign a browser out."""
    await sessions.end_one(backend().database, session_id, guard.known(), only_own=False)
    return Response(status=204)


@routes.delete("")
@operation(Scope.ADMIN, gives=Ended)
async def end_sessions() -> Ended:
    """Sign every browser out, but for the one that asks."""
    return Ended(sessions=await sessions.end_others(backend().database, guard.known(), only_own=False))
