"""Sign-in with the admin token or the password, and sign-out. A link carries its code behind a "#"."""

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from config_api.access import csrf, guard, sessions, sign_in
from config_api.web.problem import Problem

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
        value = sign_in.door().begin(request.form.get("secret", "").strip(), client=request.remote_addr or "")
    except Problem as problem:
        if problem.status not in (401, 429, 503):
            raise
        return _form(problem.detail or problem.title), problem.status
    response = make_response(redirect(sign_in.safe_next(request.form.get("next")), 303))
    sessions.set_cookie(response, value)
    return response


@blueprint.post("/sign-out")
@guard.page
def leave() -> Response:
    """Ends the session."""
    response = make_response(redirect("/sign-in", 303))
    sessions.end(response)
    return response


def _form(fault: str) -> str:
    return render_template("sign_in.html", fault=fault, next=request.values.get("next", ""))
