"""Showing who one is: with the admin token, a program's token, the password or the code of a link."""

from collections import OrderedDict
from threading import Lock
from typing import cast
from urllib.parse import urlsplit

import structlog
from flask import current_app

from config_api.access import admin, codes, passwords, sessions, tokens
from config_api.access.hashing import HashingRoom, digest, fingerprint
from config_api.access.limiter import Limiter
from config_api.access.scopes import Identity, Scope
from config_api.access.sql import SQL
from config_api.backend import Backend
from config_api.web.clients import client_of
from config_api.web.problem import FieldError, Problem
from pipeline.postgres.connection import Database

log = structlog.get_logger(__name__)

HOME = "/"
EXTENSION = "sign_in"
MAX_KNOWN = 1000


class SignIn:
    """Signing in to one application. Wrong guesses, of whatever kind, are counted by one limiter."""

    def __init__(self, backend: Backend, limiter: Limiter | None = None) -> None:
        self._backend = backend
        self._limiter = limiter or Limiter()
        self._hashing = HashingRoom()
        self._known = _Known()

    def begin(self, secret: str, *, client: str) -> str:
        """The cookie of a new session. Raises as `check` does."""
        credential = self._proven(secret, client=client, takes_codes=True)
        log.info("signed_in", client=client)
        return self._backend.run(sessions.begin(self._backend.database, credential))

    def check(self, secret: str, *, client: str) -> None:
        """Raises Problem 401 for a wrong token or password, 429 after too many wrong ones, 503 while busy."""
        self._proven(secret, client=client, takes_codes=False)

    def holder(self, secret: str, *, client: str) -> Identity | None:
        """Whose token a program sent. Raises Problem 429.

        A token that was right before is no guess, so that a program's requests do not wait for each other.
        """
        if secret in self._known:
            found = self._holder(secret)
            if found is not None:
                return found
            self._known.forget(secret)
        with self._limiter.attempt(client_of(client)) as attempt:
            found = self._holder(secret)
            attempt.is_right = found is not None
        if found is None:
            log.warning("token_refused", client=client)
        else:
            self._known.add(secret)
        return found

    def has_password(self) -> bool:
        """Whether a password was ever chosen."""
        return passwords.KIND in self._backend.run(_credentials(self._backend.database))

    def set_password(self, password: str | None, *, keep_session: str) -> None:
        """Sets the password, or removes it. Other browsers are signed out. Raises Problem 422, 503."""
        password_hash = None
        if password is not None:
            with self._hashing.place():
                password_hash = passwords.hashed(password)
        back = self._backend
        back.run(passwords.keep(back.database, password_hash, keep_session=keep_session))

    def _proven(self, secret: str, *, client: str, takes_codes: bool) -> bytes:
        """The fingerprint of the credential that was shown."""
        with self._limiter.attempt(client_of(client)) as attempt:
            credential = self._credential(secret, takes_codes=takes_codes)
            attempt.is_right = credential is not None
        if credential is not None:
            return credential
        log.warning("sign_in_failed", client=client)
        wrong = FieldError(field="secret", text="This is neither the admin token nor the password.")
        raise Problem(401, "That is not right", wrong.text, errors=(wrong,))

    def _credential(self, secret: str, *, takes_codes: bool) -> bytes | None:
        """Tokens and codes are looked up at once, however many guess passwords meanwhile."""
        back = self._backend
        if takes_codes and secret.startswith(codes.PREFIX):
            return back.run(codes.spend(back.database, secret))
        known = back.run(_credentials(back.database))
        token = _admin_token(back, known)
        if token is not None and admin.is_token(secret, token):
            return fingerprint(token)
        password = known.get(passwords.KIND)
        with self._hashing.place(is_delayed=self._limiter.is_under_attack):
            is_right = passwords.is_password(secret, password)
        return fingerprint(password) if is_right and password is not None else None

    def _holder(self, secret: str) -> Identity | None:
        back = self._backend
        configured = admin.configured(back.settings)
        if configured is not None and admin.is_token(secret, configured):
            return _administrator(configured)
        if secret.startswith(tokens.PREFIX):
            return back.run(tokens.holder(back.database, secret))
        token = _admin_token(back, back.run(_credentials(back.database)))
        return _administrator(token) if token is not None and admin.is_token(secret, token) else None


class _Known:
    """Digests of tokens that were right; whether they still are is asked each time."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, secret: str) -> bool:
        with self._lock:
            return digest(secret) in self._digests

    def add(self, secret: str) -> None:
        with self._lock:
            self._digests[digest(secret)] = None
            if len(self._digests) > MAX_KNOWN:
                self._digests.popitem(last=False)

    def forget(self, secret: str) -> None:
        with self._lock:
            self._digests.pop(digest(secret), None)


def current() -> SignIn:
    """The sign-in of the application that serves this request."""
    return cast(SignIn, current_app.extensions[EXTENSION])


def safe_next(target: str | None) -> str:
    """A path of ours to go on with, and nothing else: no other site, no scheme."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return HOME
    if any(c < " " or c == "\\" for c in target) or urlsplit(target).netloc:
        return HOME
    return target


def _administrator(token: str) -> Identity:
    return Identity(name="admin token", scope=Scope.ADMIN, is_browser=False, credential=fingerprint(token))


def _admin_token(back: Backend, known: dict[str, str]) -> str | None:
    """What is stored of the token that counts: the one of the settings takes the place of the one that was made."""
    return admin.configured(back.settings) or known.get(admin.KIND)


async def _credentials(database: Database) -> dict[str, str]:
    async with database.connection() as connection:
        return {row["kind"]: row["hash"] for row in await connection.fetch(SQL["credentials"])}
