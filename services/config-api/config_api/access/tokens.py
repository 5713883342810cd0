"""Tokens for programs: shown once, kept as hashes, good for a scope, revoked at any time."""

from datetime import datetime
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, StringConstraints

from config_api.access.audit import entries
from config_api.access.hashing import digest, new_secret
from config_api.access.scopes import Identity, Scope
from config_api.access.sql import SQL
from config_api.errors import not_found
from config_api.web.paging import MAX_BIGINT
from pipeline.postgres.connection import Database

log = structlog.get_logger(__name__)

PREFIX = "dmarq_"
TokenName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")
]


class TokenView(BaseModel):
    """A token, but for its secret."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None = None


class NewToken(TokenView):
    """A token with its secret, which is shown now and never again."""

    token: str


async def create(database: Database, *, name: str, scope: Scope) -> NewToken:
    """A new token."""
    secret = new_secret(PREFIX)
    async with database.transaction() as connection:
        row = await connection.fetchrow(SQL["add_token"], name, scope.value, digest(secret))
        text = f"Created the token {name} with the scope {scope}."
        await entries.note(connection, "token_created", text, target=name)
    view = NewToken.model_validate({**dict(row or {}), "token": secret})
    log.info("token_created", token_id=view.id, scope=scope.value)
    return view


async def all(database: Database) -> list[TokenView]:
    """Every token."""
    async with database.connection() as connection:
        return [TokenView.model_validate(dict(row)) for row in await connection.fetch(SQL["tokens"])]


async def revoke(database: Database, token_id: int) -> None:
    """Makes a token good for nothing. Raises NotFound."""
    if not 0 < token_id <= MAX_BIGINT:
        raise not_found("token")
    async with database.transaction() as connection:
        name = await connection.fetchval(SQL["revoke_token"], token_id)
        if name is None:
            raise not_found("token")
        await entries.note(connection, "token_revoked", f"Revoked the token {name}.", target=name)
    log.info("token_revoked", token_id=token_id)


async def holder(database: Database, secret: str) -> Identity | None:
    """Whose token this is, if it is one."""
    async with database.connection() as connection:
        row = await connection.fetchrow(SQL["token"], digest(secret))
        if row is None:
            return None
        await connection.execute(SQL["note_use"], row["id"])
    scope = Scope(row["scope"])
    return Identity(name=f"token {row['name']}", scope=scope, is_browser=False, credential=digest(secret))
