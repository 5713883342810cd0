"""Tokens for programs, one's own password, and links to sign in with."""

from flask import Blueprint, Response, request
from pydantic import BaseModel

from config_api.access import codes, guard, sign_in, tokens
from config_api.access.api.bodies import PasswordRequest, TokenRequest
from config_api.access.codes import SignInLink
from config_api.access.scopes import Scope
from config_api.access.tokens import NewToken, TokenView
from config_api.backend import backend
from config_api.errors import FieldError, NotSignedIn, invalid
from config_api.web.contract import PREFIX, operation

routes = Blueprint("api_access", __name__, url_prefix=PREFIX)

NOT_KEPT = {"Cache-Control": "no-store"}


class TokenList(BaseModel):
    """Every token, without its secret."""

    items: list[TokenView]


@routes.get("/tokens")
@operation(Scope.ADMIN, gives=TokenList)
async def list_tokens() -> TokenList:
    """Every token."""
    return TokenList(items=await tokens.all(backend().database))


@routes.post("/tokens")
@operation(Scope.ADMIN, gives=NewToken, status=201, fails=(415,))
async def create_token(json: TokenRequest) -> tuple[NewToken, int, dict[str, str]]:
    """Make a token. Its secret is in the answer and nowhere else."""
    return await tokens.create(backend().database, name=json.name, scope=json.scope), 201, NOT_KEPT


@routes.delete("/tokens/<int:token_id>")
@operation(Scope.ADMIN, status=204, fails=(404,))
async def revoke_token(token_id: int) -> Response:
    """Make a token good for nothing, at once."""
    await tokens.revoke(backend().database, token_id)
    return Response(status=204)


@routes.put("/password")
@operation(Scope.ADMIN, status=204, fails=(409, 415))
async def set_password(json: PasswordRequest) -> Response:
    """Set one's own password for signing in, or remove it. Other browsers are signed out.

    With a token it is the password of the user “admin”, who is made if need be; `PATCH /users/{id}` sets others'.
    """
    access, found = sign_in.current(), guard.known()
    try:
        name = found.name if found.user_id is not None else ""
        await access.check(json.current.get_secret_value(), client=request.remote_addr or "", name=name)
    except NotSignedIn as wrong:
        raise invalid(FieldError(field="current", text=wrong.detail)) from None
    secret = json.password.get_secret_value() if json.password is not None else None
    await access.set_own_password(found, secret)
    return Response(status=204)


@routes.post("/sign-in-links")
@operation(Scope.ADMIN, gives=SignInLink, status=201)
async def create_sign_in_link() -> tuple[SignInLink, int, dict[str, str]]:
    """Make a link that signs a browser in once, within a quarter of an hour.

    The session that it begins ends when the token changes, or is revoked, that this request was sent with.
    """
    back, found = backend(), guard.known()
    made = await codes.create(back.database, back.settings, credential=found.credential, user_id=found.user_id)
    return made, 201, NOT_KEPT
