"""Signed-in browsers: a random cookie, known to the database by its hash alone, good while its credential is."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from config_api.access import admin
from config_api.access.audit import entries
from config_api.access.hashing import digest, fingerprint, new_secret
from config_api.access.scopes import Identity, Role, Scope
from config_api.access.sql import SQL
from config_api.backend import backend
from config_api.errors import not_found
from config_api.web.paging import MAX_BIGINT
from pipeline.postgres.connection import Connection, Database
from pipeline.postgres.types import storable
from pipeline.settings import Settings

COOKIE = "dmarq_session"
LIFE = 7 * 24 * 3600  # seconds
MAX_BROWSER = 200  # characters of what a browser says it is
MAX_LISTED = 500
WITHOUT_USER = "admin"  # who signed in with the admin token, or by a link of it
_BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")  # the first that is named
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS"}


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown at the sign-in: the fingerprint that the session is bound to, and whose it is (None: nobody's)."""

    credential: bytes
    user_id: int | None = None
    name: str = WITHOUT_USER


@dataclass(frozen=True, slots=True)
class Client:
    """Who connects, as far as it can be known."""

    address: str
    browser: str = ""


class SessionView(BaseModel):
    """A signed-in browser."""

    model_config = ConfigDict(frozen=True)

    id: int
    user: str = Field(description="Whose session it is; “admin” also where the admin token or its link began it.")
    since: datetime
    seen_at: datetime = Field(description="When it was last used, to the minute.")
    address: str
    browser: str
    is_this: bool = Field(False, description="Whether it is the one that asks.")


async def begin(database: Database, proof: Proof, client: Client) -> str:
    """A new session's cookie. The session ends when the credential changes."""
    value = new_secret()
    browser = storable(client.browser)[:MAX_BROWSER]
    async with database.transaction() as connection:
        await connection.execute(
            SQL["add_session"], digest(value), float(LIFE), proof.credential, proof.user_id, client.address, browser
        )
        entries.act_as(entries.Actor(proof.name, "browser", client.address))
        await entries.note(connection, "signed_in", f"Signed in with {browser_in_words(browser)}.", target=proof.name)
    return value


async def identity_of(database: Database, value: str, settings: Settings) -> Identity | None:
    """Whose session the cookie is, if it is not over."""
    async with database.connection() as connection:
        row = await connection.fetchrow(SQL["session"], digest(value), _configured(settings))
        if row is None:
            return None
        if row["is_stale"]:
            await connection.execute(SQL["note_session"], row["id"])
    if row["user_id"] is None:
        return Identity(WITHOUT_USER, Scope.ADMIN, True, row["made_by"], session_id=row["id"])
    domains = None if row["domains"] is None else frozenset(row["domains"])
    return Identity(
        row["name"], Role(row["role"]).scope, True, row["made_by"], row["user_id"], row["id"], domains=domains
    )


async def all(database: Database, settings: Settings, identity: Identity, *, only_own: bool) -> list[SessionView]:
    """Sessions that are not over, the one seen last first."""
    async with database.connection() as connection:
        rows = await connection.fetch(SQL["sessions"], only_own, identity.user_id, MAX_LISTED, _configured(settings))
    return [
        SessionView.model_validate(
            {
                **dict(row),
                "user": row["name"] or WITHOUT_USER,
                "browser": browser_in_words(row["browser"]),
                "is_this": row["id"] == identity.session_id,
            }
        )
        for row in rows
    ]


async def end_one(database: Database, session_id: int, identity: Identity, *, only_own: bool) -> None:
    """Ends a session. Raises NotFound, also for somebody else's where only one's own may be ended."""
    if not 0 < session_id <= MAX_BIGINT:
        raise not_found("session")
    async with database.transaction() as connection:
        row = await connection.fetchrow(SQL["end_one"], session_id, only_own, identity.user_id)
        if row is None:
            raise not_found("session")
        name = row["name"] or WITHOUT_USER
        text = f"Ended a session of {name} from {row['address'] or 'an unknown address'}."
        await entries.note(connection, "session_ended", text, target=name)


async def end_others(database: Database, identity: Identity, *, only_own: bool) -> int:
    """Ends all sessions but the one that asks; gives how many."""
    async with database.transaction() as connection:
        ended = len(await connection.fetch(SQL["end_others"], identity.session_id, only_own, identity.user_id))
        whose = f"all other sessions of {identity.name}" if only_own else "all other sessions of everybody"
        await entries.note(connection, "sessions_ended", f"Ended {whose}: {ended}.")
    return ended


async def rebind(connection: Connection, session_id: int | None, credential: bytes) -> None:
    """Whoever changed their own password stays signed in."""
    await connection.execute(SQL["rebind_session"], session_id, credential)


def browser_in_words(text: str) -> str:
    """What a browser says it is, short.

    >>> browser_in_words("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox on Linux'
    """
    browser = next((name for name in _BROWSERS if re.search(rf"\b{name}\w*/", text)), "")
    system = next((name for name in _SYSTEMS if name in text), "")
    parts = [_NAMES.get(part, part) for part in (browser, system) if part]
    return " on ".join(parts) or "an unknown browser"


def set_cookie(response: Response, value: str, *, name: str = COOKIE, life: int = LIFE) -> None:
    """The cookie as a browser keeps it: out of reach of scripts and of other sites, behind TLS only there."""
    response.set_cookie(name, value, max_age=life, httponly=True, samesite="Lax", secure=_is_behind_tls(), path="/")


def clear_cookie(response: Response, *, name: str = COOKIE) -> None:
    """Takes the cookie back."""
    response.delete_cookie(name, httponly=True, samesite="Lax", secure=_is_behind_tls(), path="/")


async def end(database: Database, value: str) -> None:
    """Signs out."""
    async with database.transaction() as connection:
        await connection.execute(SQL["end_session"], digest(value))
        await entries.note(connection, "signed_out", "Signed out.", target=entries.actor().who)


def _configured(settings: Settings) -> bytes | None:
    """What sessions of the configured admin token are bound to."""
    token = admin.configured(settings)
    return None if token is None else fingerprint(token)


def _is_behind_tls() -> bool:
    return request.is_secure or urlsplit(backend().settings.public_url).scheme == "https"
