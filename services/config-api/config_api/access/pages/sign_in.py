"""Sign-in with a name and password, the admin token or a link, and sign-out. A link carries its code behind a "#"."""

from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from config_api.access import codes, csrf, guard, sessions, sign_in
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import Invalid, NotSignedIn, TooManyTries, Unavailable
from config_api.web.errors import status_of
from config_api.web.needs import needs, open_to_all, within_domains
from config_api.web.view import Template, form, on_loop, template

DIFFER = "The two passwords differ. Type the same one twice."

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
@open_to_all
@on_loop
async def ask() -> Template:
    """The form."""
    return sign_in_form("")


@blueprint.post("/sign-in")
@open_to_all
@on_loop
async def enter() -> Response | tuple[Template, int]:
    """Check the secret; the page it came for, or the form again with what was wrong."""
    csrf.check()
    secret, access = request.form.get("secret", "").strip(), sign_in.current()
    try:
        value = await access.begin(secret, guard.client(), name=form().get("name", ""))
    except (NotSignedIn, TooManyTries, Unavailable) as refused:
        return sign_in_form(refused.detail or refused.title), status_of(refused)
    target = sign_in.safe_next(request.form.get("next"))
    if secret.startswith(codes.PREFIX) and access.takes_passwords and not await access.has_password():
        target = f"/sign-in/password?{urlencode({'next': target})}"
    response = make_response(redirect(target, 303))
    sessions.set_cookie(response, value)
    return response


@blueprint.get("/sign-in/password")
@needs(Scope.ADMIN)
@on_loop
async def ask_password() -> Response | Template:
    """After a link that is good once: a password to come back with, where none was chosen yet."""
    return _home() if await sign_in.current().has_password() else _password_form({})


@blueprint.post("/sign-in/password")
@needs(Scope.ADMIN)
@on_loop
async def choose_password() -> Response | Template | tuple[Template, int]:
    """Set the first password; any later one is changed by whoever knows the present one."""
    if await sign_in.current().has_password():
        return _home()
    wanted = request.form.get("password", "")
    if wanted != request.form.get("again", ""):
        return _password_form({"again": DIFFER}), 422
    try:
        await sign_in.current().set_own_password(guard.known(), wanted)
    except Invalid as wrong:
        return _password_form({error.field: error.text for error in wrong.errors}), 422
    return _home()


@blueprint.post("/sign-out")
@within_domains
@needs(Scope.READ)
@on_loop
async def leave() -> Response:
    """End the session."""
    response = make_response(redirect("/sign-in", 303))
    await sessions.end(backend().whole_database, request.cookies.get(sessions.COOKIE, ""))
    sessions.clear_cookie(response)
    return response


def sign_in_form(fault: str) -> Template:
    """The form, with what was wrong."""
    settings = backend().settings
    return template(
        "sign_in.html",
        fault=fault,
        next=request.values.get("next", ""),
        provider=settings.oidc_name if settings.oidc_issuer else "",
        takes_passwords=sign_in.current().takes_passwords,
        name=form().get("name", ""),
    )


def _home() -> Response:
    return redirect(sign_in.safe_next(request.values.get("next")), 303)


def _password_form(faults: dict[str, str]) -> Template:
    return template("access/first_password.html", faults=faults, next=sign_in.safe_next(request.values.get("next")))
