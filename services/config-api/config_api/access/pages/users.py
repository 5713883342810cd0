"""Settings > Users: who may sign in, and what each may do."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from config_api.access import sign_in
from config_api.access.pages.sign_in import DIFFER
from config_api.access.scopes import Role, Scope
from config_api.access.users import store
from config_api.access.users.model import UserInput, UserPatch, UserView
from config_api.backend import backend
from config_api.errors import DomainError, FieldError, invalid
from config_api.web import words
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.validation import validated
from config_api.web.view import Template, on_loop, template

HERE = "/settings/users"

blueprint = Blueprint("users", __name__, url_prefix=HERE)


@blueprint.get("")
@needs(Scope.ADMIN)
@on_loop
async def show() -> Template:
    """All of them, and the form for one more."""
    return await _list({}, ())


@blueprint.post("")
@needs(Scope.ADMIN)
@on_loop
async def add() -> Response | tuple[Template, int]:
    """Add a user."""
    try:
        wanted = validated(UserInput, {"name": request.form.get("name", ""), **_rights(), **_password()})
        await store.add(backend().database, sign_in.current().passwords, wanted)
    except DomainError as refused:
        return await _list(request.form.to_dict(), refused.errors), 422
    return told(HERE, "user-added")


@blueprint.get("/<int:user_id>")
@needs(Scope.ADMIN)
@on_loop
async def one(user_id: int) -> Template:
    """What a user may do, to be changed."""
    return _form(await store.get(backend().database, user_id), ())


@blueprint.post("/<int:user_id>")
@needs(Scope.ADMIN)
@on_loop
async def change(user_id: int) -> Response | tuple[Template, int]:
    """Change a user."""
    before = await store.get(backend().database, user_id)
    try:
        wanted = {"domains": None, **_rights(), "disabled": "disabled" in request.form, **_password()}
        patch = validated(UserPatch, wanted)
        await store.change(backend().database, sign_in.current().passwords, user_id, patch)
    except DomainError as refused:
        return _form(before, refused.errors), 422
    return told(HERE, "user-saved")


@blueprint.post("/<int:user_id>/remove")
@needs(Scope.ADMIN)
@on_loop
async def remove(user_id: int) -> Response:
    """Remove a user."""
    await store.remove(backend().database, user_id)
    return told(HERE, "user-removed")


def _rights() -> dict[str, Any]:
    domains = request.form.get("domains", "").replace(",", " ").split()
    return {"role": request.form.get("role", ""), **({"domains": domains} if domains else {})}


def _password() -> dict[str, str]:
    """The password, where one was typed, twice the same. Raises Invalid."""
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        raise invalid(FieldError(field="again", text=DIFFER))
    return {"password": password} if password else {}


async def _list(typed: dict[str, str], errors: Sequence[FieldError]) -> Template:
    return template(
        "access/users.html", users=await store.all(backend().database), typed=typed, roles=words.ROLES, **_told(errors)
    )


def _form(user: UserView, errors: Sequence[FieldError]) -> Template:
    typed = request.form.to_dict() or {
        "role": user.role.value, "domains": "\n".join(user.domains or ()), "disabled": "yes" if user.disabled else ""
    }  # fmt: skip
    return template("access/user.html", user=user, typed=typed, roles=words.ROLES, admin=Role.ADMIN, **_told(errors))


def _told(errors: Sequence[FieldError]) -> dict[str, Any]:
    """Faults by field; one of a single domain, or of how role and domains go together, stands beside the domains."""
    faults: dict[str, str] = {}
    for error in errors:
        field = error.field.partition(".")[0] or "domains"
        faults.setdefault(field, error.text)
    return {"faults": faults}
