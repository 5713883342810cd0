"""Settings > Access: API tokens, which are shown once, and the password."""

from flask import Blueprint, redirect, render_template, request
from pydantic import BaseModel
from werkzeug.wrappers import Response

from config_api.access import sessions, sign_in, tokens
from config_api.access.scopes import Scope
from config_api.access.sign_in_page import DIFFER
from config_api.backend import backend
from config_api.errors import Invalid
from config_api.web import words
from config_api.web.notes import told
from config_api.web.problem import Problem
from config_api.web.validation import validated


class WantedToken(BaseModel):
    """What the form asks for."""

    name: tokens.TokenName
    scope: Scope


blueprint = Blueprint("access", __name__, url_prefix="/settings")


@blueprint.get("")
def lead() -> Response:
    """Settings by themselves lead to the mailboxes."""
    return redirect("/settings/mailboxes", 303)


@blueprint.get("/access")
def show() -> str:
    """The page."""
    return _page()


@blueprint.post("/access/tokens")
def create_token() -> str | tuple[str, int]:
    """Creates a token and shows it, this once."""
    name, scope = request.form.get("name", "").strip(), request.form.get("scope", "")
    try:
        wanted = validated(WantedToken, {"name": name, "scope": scope})
        made = backend().run(tokens.create(backend().database, name=wanted.name, scope=wanted.scope))
    except Invalid as wrong:
        return _page(faults={error.field: error.text for error in wrong.errors}, name=name), 422
    return _page(made=made)


@blueprint.post("/access/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> Response:
    """Ends a token."""
    backend().run(tokens.revoke(backend().database, token_id))
    return told("/settings/access", "revoked")


@blueprint.post("/access/password")
def change_password() -> Response | tuple[str, int]:
    """Sets the password, after the token or the old password was given."""
    wanted = request.form.get("password", "")
    if wanted != request.form.get("again", ""):
        return _page(faults={"again": DIFFER}), 422
    try:
        access = sign_in.current()
        access.check(request.form.get("current", ""), client=request.remote_addr or "")
        access.set_password(wanted, keep_session=request.cookies.get(sessions.COOKIE, ""))
    except Problem as problem:
        faults = _password_faults(problem)
        return _page(faults=faults), problem.status
    return told("/settings/access", "password")


def _password_faults(problem: Problem) -> dict[str, str]:
    if problem.status in (401, 429, 503):
        return {"current": problem.detail or problem.title}
    if problem.status == 422:
        return {error.field: error.text for error in problem.errors}
    raise problem


def _page(*, made: tokens.NewToken | None = None, faults: dict[str, str] | None = None, name: str = "") -> str:
    known = backend().run(tokens.all(backend().database))
    return render_template(
        "access/show.html", tokens=known, made=made, faults=faults or {}, name=name, scopes=words.SCOPES
    )
