"""Sign-in with the admin token or the password, and sign-out. A link carries its code behind a "#"."""

from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from config_api.access import codes, csrf, guard, sessions, sign_in
from config_api.web.problem import Problem

DIFFER = "The two passwords differ. Type the same one twice."

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
def ask() -> str:
    """The form."""
    return _form("")


@blueprint.post("/sign-in")
def enter() -> Response | tuple[str, int]:
    """Checks the secret; the page it came for, or the form again with what was wrong."""
    csrf.check()
    try:
        secret = request.form.get("secret", "").strip()
        value = sign_in.current().begin(secret, client=request.remote_addr or "")
    except Problem as problem:
        if problem.status not in (401, 429, 503):
            raise
        return _form(problem.detail or problem.title), problem.status
    target = sign_in.safe_next(request.form.get("next"))
    if secret.startswith(codes.PREFIX) and not sign_in.current().has_password():
        target = f"/sign-in/password?{urlencode({'next': target})}"
    response = make_response(redirect(target, 303))
    sessions.set_cookie(response, value)
    return response


@blueprint.get("/sign-in/password")
@guard.page
def ask_password() -> Response | str:
    """After a link that is good once: a password to come back with, where none was chosen yet."""
    return _home() if sign_in.current().has_password() else _password_form({})


@blueprint.post("/sign-in/password")
@guard.page
def choose_password() -> Response | str | tuple[str, int]:
    """Sets the first password; any later one is changed by whoever knows the present one."""
    if sign_in.current().has_password():
        return _home()
    wanted = request.form.get("password", "")
    if wanted != request.form.get("again", ""):
        return _password_form({"again": DIFFER}), 422
    try:
        sign_in.current().set_password(wanted, keep_session=request.cookies.get(sessions.COOKIE, ""))
    except Problem as problem:
        if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        return _password_form({error.field: error.text for error in problem.errors}), 422
    return _home()


@blueprint.post("/sign-out")
@guard.page
def leave() -> Response:
    """Ends the session."""
    response = make_response(redirect("/sign-in", 303))
    sessions.end(response)
    return response


def _home() -> Response:
    return redirect(sign_in.safe_next(request.values.get("next")), 303)


def _password_form(faults: dict[str, str]) -> str:
    return render_template(
        "access/first_password.html", faults=faults, next=sign_in.safe_next(request.values.get("next"))
    )


def _form(fault: str) -> str:
    return render_template("sign_in.html", fault=fault, next=request.values.get("next", ""))
