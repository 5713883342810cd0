"""Settings > Access: API tokens, which are shown once, and the password."""

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from config_api.auth import passwords, sign_in, tokens
from config_api.backend import backend
from config_api.pages import words
from config_api.problem import Problem

blueprint = Blueprint("access", __name__, url_prefix="/settings/access")


@blueprint.get("")
def show() -> str:
    """The page."""
    return _page()


@blueprint.post("/tokens")
def create_token() -> str | tuple[str, int]:
    """Creates a token and shows it, this once."""
    name, scope = request.form.get("name", "").strip(), request.form.get("scope", "")
    try:
        made = backend().run(tokens.create(backend().database, name=name, scope=scope))
    except Problem as problem:
        if problem.status != 422:
            raise
        return _page(faults={error.field: error.text for error in problem.errors}, name=name), 422
    return _page(made=made)


@blueprint.post("/tokens/<token_id>/revoke")
def revoke_token(token_id: str) -> Response:
    """Ends a token."""
    backend().run(tokens.revoke(backend().database, token_id))
    flash("The token was revoked. Whoever used it is locked out now.", "good")
    return redirect("/settings/access", 303)


@blueprint.post("/password")
def change_password() -> Response | tuple[str, int]:
    """Sets the password, after the token or the old password was given."""
    wanted = request.form.get("password", "")
    if wanted != request.form.get("again", ""):
        return _page(faults={"again": "The two passwords differ. Type the same one twice."}), 422
    try:
        sign_in.check(backend(), request.form.get("current", ""), request.remote_addr or "")
        backend().run(passwords.set_password(backend().database, wanted))
    except Problem as problem:
        faults = _password_faults(problem)
        return _page(faults=faults), problem.status
    flash("The password was changed.", "good")
    return redirect("/settings/access", 303)


def _password_faults(problem: Problem) -> dict[str, str]:
    if problem.status in (401, 429):
        return {"current": problem.detail or problem.title}
    if problem.status == 422:
        return {error.field: error.text for error in problem.errors}
    raise problem


def _page(*, made: tokens.NewToken | None = None, faults: dict[str, str] | None = None, name: str = "") -> str:
    known = backend().run(tokens.all(backend().database))
    return render_template(
        "access/show.html", tokens=known, made=made, faults=faults or {}, name=name, scopes=words.SCOPES
    )
