"""Settings > Access: API tokens, which are shown once."""

from flask import Blueprint, redirect, request
from pydantic import BaseModel
from werkzeug.wrappers import Response

from config_api.access import tokens
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import Invalid
from config_api.web import words
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.validation import validated
from config_api.web.view import Template, on_loop, template


class WantedToken(BaseModel):
    """What the form asks for."""

    name: tokens.TokenName
    scope: Scope


blueprint = Blueprint("access", __name__, url_prefix="/settings")


@blueprint.get("")
@needs(Scope.READ)
def lead() -> Response:
    """Settings by themselves lead to the mailboxes."""
    return redirect("/settings/mailboxes", 303)


@blueprint.get("/access")
@needs(Scope.ADMIN)
@on_loop
async def show() -> Template:
    """The page."""
    return await _page()


@blueprint.post("/access/tokens")
@needs(Scope.ADMIN)
@on_loop
async def create_token() -> Template | tuple[Template, int]:
    """Create a token and show it, this once."""
    name, scope = request.form.get("name", "").strip(), request.form.get("scope", "")
    try:
        wanted = validated(WantedToken, {"name": name, "scope": scope})
    except Invalid as wrong:
        return await _page(faults={error.field: error.text for error in wrong.errors}, name=name), 422
    made = await tokens.create(backend().database, name=wanted.name, scope=wanted.scope)
    return await _page(made=made)


@blueprint.post("/access/tokens/<int:token_id>/revoke")
@needs(Scope.ADMIN)
@on_loop
async def revoke_token(token_id: int) -> Response:
    """End a token."""
    await tokens.revoke(backend().database, token_id)
    return told("/settings/access", "revoked")


async def _page(
    *, made: tokens.NewToken | None = None, faults: dict[str, str] | None = None, name: str = ""
) -> Template:
    known = await tokens.all(backend().database)
    return template("access/show.html", tokens=known, made=made, faults=faults or {}, name=name, scopes=words.SCOPES)
