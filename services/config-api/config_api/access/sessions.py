"""Signed-in browsers: a random cookie, known to the database by its hash alone, good while its credential is."""

from urllib.parse import urlsplit

from flask import Response, request

from config_api.access import admin
from config_api.access.hashing import digest, fingerprint, new_secret
from config_api.access.sql import SQL
from config_api.backend import backend
from pipeline.postgres.connection import Database
from pipeline.settings import Settings

COOKIE = "dmarq_session"
LIFE = 7 * 24 * 3600  # seconds


async def begin(database: Database, credential: bytes) -> str:
    """A new session's cookie. The session ends when the credential changes."""
    value = new_secret()
    async with database.connection() as connection:
        await connection.execute(SQL["add_session"], digest(value), float(LIFE), credential)
    return value


async def credential_of(database: Database, value: str, settings: Settings) -> bytes | None:
    """The credential that the cookie's session began with, if it is not over."""
    token = admin.configured(settings)
    mark = None if token is None else fingerprint(token)
    async with database.connection() as connection:
        found: bytes | None = await connection.fetchval(SQL["session"], digest(value), mark)
    return found


def set_cookie(response: Response, value: str, *, name: str = COOKIE, life: int = LIFE) -> None:
    """The cookie as a browser keeps it: out of reach of scripts and of other sites, behind TLS only there."""
    response.set_cookie(name, value, max_age=life, httponly=True, samesite="Lax", secure=_is_behind_tls(), path="/")


def end(response: Response) -> None:
    """Signs out: the session is over, the cookie is cleared."""
    value = request.cookies.get(COOKIE)
    if value:
        back = backend()
        back.run(_end(back.database, value))
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=_is_behind_tls(), path="/")


async def _end(database: Database, value: str) -> None:
    async with database.connection() as connection:
        await connection.execute(SQL["end_session"], digest(value))


def _is_behind_tls() -> bool:
    return request.is_secure or urlsplit(backend().settings.public_url).scheme == "https"
