"""Somebody's own password."""

from config_api.access import sessions
from config_api.access.scopes import Identity, Role
from config_api.access.sql import SQL as ACCESS
from config_api.access.users import store
from config_api.access.users.model import UserInput
from config_api.access.users.store import ADMIN, SQL
from config_api.errors import Conflict
from pipeline.postgres.connection import Connection, Database


async def keep(database: Database, identity: Identity, stored: str | None) -> None:
    """The password from now on as it is stored, or none. Other browsers are signed out; this one stays.

    Raises Conflict for a user who is known by a provider alone.
    """
    async with database.transaction() as connection:
        row = await _owner(connection, identity, stored)
        if row is None:
            return
        user_id, name, has_provider = row
        if identity.user_id is not None and has_provider:
            raise Conflict("You sign in with the provider, so that there is no password to change here.")
        await connection.execute(SQL["set_password"], user_id, stored)
        await store.note_password(connection, name, is_removed=stored is None)
        await connection.execute(ACCESS["end_sessions_of"], identity.session_id, user_id, identity.user_id is None)
        if identity.user_id == user_id and identity.session_id is not None and stored is not None:
            await sessions.rebind(connection, identity.session_id, await connection.fetchval(SQL["mark"], user_id))


async def hash_again(database: Database, user_id: int, stored: str) -> bytes:
    """The same password, hashed as passwords are now; gives the mark for sessions."""
    async with database.transaction() as connection:
        await connection.execute(SQL["set_password"], user_id, stored)
        mark: bytes = await connection.fetchval(SQL["mark"], user_id)
    return mark


async def _owner(connection: Connection, identity: Identity, stored: str | None) -> tuple[int, str, bool] | None:
    """Whose password it is: id, name, and whether a provider knows them. None where one is taken from nobody."""
    if identity.user_id is not None:
        row = await connection.fetchrow(SQL["lock"], identity.user_id)
        return None if row is None else (row["id"], row["name"], row["has_provider"])
    row = await connection.fetchrow(SQL["named"], ADMIN)
    if row is not None:
        return row["id"], row["name"], False
    if stored is None:
        return None
    return await store.insert(connection, UserInput(name=ADMIN, role=Role.ADMIN)), ADMIN, False
