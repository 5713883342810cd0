"""Tokens for programs, the administrator's password, and the key that mailbox passwords are kept under."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request
from pydantic import BaseModel

from config_api.access import codes, guard, sessions, sign_in, tokens
from config_api.access.bodies import PasswordRequest, TokenRequest
from config_api.access.codes import SignInLink
from config_api.access.scopes import Scope
from config_api.access.tokens import NewToken, TokenView
from config_api.backend import backend
from config_api.mailboxes import store
from config_api.web.contract import PREFIX, operation
from config_api.web.problem import FieldError, Problem, invalid
from pipeline.secrets import BadSecretKey

routes = Blueprint("api_access", __name__, url_prefix=PREFIX)


class TokenList(BaseModel):
    """Every token, without its secret."""

    items: list[TokenView]


class Rotated(BaseModel):
    """How many secrets are kept under the first key now."""

    mailboxes: int


@routes.get("/tokens")
@operation(Scope.ADMIN, gives=TokenList)
def list_tokens() -> TokenList:
    """Every token."""
    back = backend()
    return TokenList(items=back.run(tokens.all(back.database)))


@routes.post("/tokens")
@operation(Scope.ADMIN, gives=NewToken, status=201, fails=(415,))
def create_token(json: TokenRequest) -> Any:
    """Make a token. Its secret is in the answer and nowhere else."""
    back = backend()
    return back.run(tokens.create(back.database, name=json.name, scope=json.scope)), 201, {"Cache-Control": "no-store"}


@routes.delete("/tokens/<int:token_id>")
@operation(Scope.ADMIN, status=204, fails=(404,))
def revoke_token(token_id: int) -> Response:
    """Make a token good for nothing, at once."""
    back = backend()
    back.run(tokens.revoke(back.database, token_id))
    return Response(status=204)


@routes.put("/password")
@operation(Scope.ADMIN, status=204, fails=(415,))
def set_password(json: PasswordRequest) -> Response:
    """Set the password for signing in, or remove it. Browsers that are signed in are signed out, but for this one."""
    access = sign_in.current()
    try:
        access.check(json.current.get_secret_value(), client=request.remote_addr or "")
    except Problem as wrong:
        if wrong.status != HTTPStatus.UNAUTHORIZED:
            raise
        raise invalid(FieldError(field="current", text=wrong.detail)) from None
    secret = json.password.get_secret_value() if json.password is not None else None
    access.set_password(secret, keep_session=request.cookies.get(sessions.COOKIE, ""))
    return Response(status=204)


@routes.post("/sign-in-links")
@operation(Scope.ADMIN, gives=SignInLink, status=201)
def create_sign_in_link() -> Any:
    """Make a link that signs a browser in once, within a quarter of an hour.

    The session that it begins ends when the token changes, or is revoked, that this request was sent with.
    """
    back = backend()
    credential = guard.require(Scope.ADMIN).credential
    made = back.run(codes.create(back.database, back.settings, credential=credential))
    return made, 201, {"Cache-Control": "no-store"}


@routes.post("/mailboxes/rotate-secrets")
@operation(Scope.ADMIN, gives=Rotated, fails=(409,))
def rotate_secrets() -> Rotated:
    """Encrypt every mailbox password again, under the first key of DMARQ_SECRET_KEY."""
    back = backend()
    try:
        return Rotated(mailboxes=back.run(store.rotate(back)))
    except BadSecretKey as error:
        raise Problem(409, "A key is missing", str(error)) from None
