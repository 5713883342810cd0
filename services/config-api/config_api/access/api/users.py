"""Users: who may sign in, and what each may do."""

from flask import Blueprint, Response
from pydantic import BaseModel

from config_api.access import sign_in
from config_api.access.scopes import Scope
from config_api.access.users import store
from config_api.access.users.model import UserInput, UserPatch, UserView
from config_api.backend import backend
from config_api.web.contract import PREFIX, operation

routes = Blueprint("api_users", __name__, url_prefix=f"{PREFIX}/users")


class UserList(BaseModel):
    """Every user, by name."""

    items: list[UserView]


@routes.get("")
@operation(Scope.ADMIN, gives=UserList)
async def list_users() -> UserList:
    """Every user."""
    return UserList(items=await store.all(backend().database))


@routes.post("")
@operation(Scope.ADMIN, gives=UserView, status=201, fails=(409, 415))
async def add_user(json: UserInput) -> tuple[UserView, int, dict[str, str]]:
    """Add a user: a viewer (who may be bound to domains), an operator or an admin."""
    made = await store.add(backend().database, sign_in.current().passwords, json)
    return made, 201, {"Location": f"{PREFIX}/users/{made.id}"}


@routes.get("/<int:user_id>")
@operation(Scope.ADMIN, gives=UserView, fails=(404,))
async def get_user(user_id: int) -> UserView:
    """One user."""
    return await store.get(backend().database, user_id)


@routes.patch("/<int:user_id>")
@operation(Scope.ADMIN, gives=UserView, fails=(404, 415))
async def change_user(user_id: int, json: UserPatch) -> UserView:
    """Change what a user may do, or their password. Their sessions end."""
    return await store.change(backend().database, sign_in.current().passwords, user_id, json)


@routes.delete("/<int:user_id>")
@operation(Scope.ADMIN, status=204, fails=(404,))
async def remove_user(user_id: int) -> Response:
    """Remove a user. Their sessions end; what they did stays in the audit log."""
    await store.remove(backend().database, user_id)
    return Response(status=204)
