"""Signing in with the admin token or the password; wrong guesses are counted."""

from typing import cast
from urllib.parse import urlsplit

import structlog
from flask import current_app

from config_api.auth import admin, passwords, sessions
from config_api.auth.limiter import Limiter
from config_api.auth.sql import SQL
from config_api.backend import Backend
from config_api.problem import FieldError, Problem
from pipeline.adapters.postgres import Database

log = structlog.get_logger(__name__)

HOME = "/"
EXTENSION = "sign_in_limiter"


class SignIn:
    """The door of one application."""

    def __init__(self, backend: Backend, limiter: Limiter | None = None) -> None:
        self._backend = backend
        self._limiter = limiter or Limiter()

    def check(self, secret: str, *, client: str) -> None:
        """Raises Problem 401 for a wrong token or password, 429 after too many wrong ones from this address."""
        wait = self._limiter.wait(client)
        if wait:
            raise Problem(429, "Too many wrong tries", f"Try again in {wait} seconds.", retry_after=wait)
        if self._is_right(secret):
            self._limiter.right(client)
            return
        self._limiter.wrong(client)
        log.warning("sign_in_failed", client=client)
        wrong = FieldError(field="secret", text="This is neither the admin token nor the password.")
        raise Problem(401, "That is not right", wrong.text, errors=(wrong,))

    def begin(self, secret: str, *, client: str) -> str:
        """The cookie of a new session. Raises as `check` does."""
        self.check(secret, client=client)
        log.info("signed_in", client=client)
        return self._backend.run(sessions.begin(self._backend.database))

    def _is_right(self, secret: str) -> bool:
        settings = self._backend.settings
        known = self._backend.run(_credentials(self._backend.database))
        is_token = admin.is_configured_token(secret, settings) or admin.is_made_token(
            secret, known.get(admin.KIND), settings
        )
        return is_token or passwords.is_password(secret, known.get(passwords.KIND))


def door() -> SignIn:
    """The door of the application that serves this request."""
    return cast(SignIn, current_app.extensions[EXTENSION])


async def made_token_hash(database: Database) -> str | None:
    """The hash of the admin token that was made at the first start."""
    return (await _credentials(database)).get(admin.KIND)


def safe_next(target: str | None) -> str:
    """A path of ours to go on with, and nothing else: no other site, no scheme."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return HOME
    if any(c < " " or c == "\\" for c in target) or urlsplit(target).netloc:
        return HOME
    return target


async def _credentials(database: Database) -> dict[str, str]:
    async with database.connection() as connection:
        return {row["kind"]: row["hash"] for row in await connection.fetch(SQL["credentials"])}
