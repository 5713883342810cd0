"""Showing who one is: with a user's password, the admin token, a program's token or the code of a link."""

from collections import OrderedDict
from typing import cast
from urllib.parse import urlsplit

import structlog
from flask import current_app

from config_api.access import admin, codes, sessions, tokens
from config_api.access.hashing import digest, fingerprint
from config_api.access.limiter import Limiter
from config_api.access.scopes import Identity, Scope
from config_api.access.sessions import Client, Proof
from config_api.access.sql import SQL
from config_api.access.users import own_password
from config_api.access.users import store as users
from config_api.access.users.passwords import Passwords
from config_api.backend import Backend
from config_api.errors import FieldError, NotSignedIn
from config_api.web.clients import client_of
from pipeline.postgres.connection import Database
from pipeline.postgres.types import storable

log = structlog.get_logger(__name__)

HOME = "/"
EXTENSION = "sign_in"
MAX_KNOWN = 1000
NEITHER = "This is neither the admin token nor the password."
LINK_OVER = "This link was used already or is over; make a new one with dmarq sign-in-link."
WRONG = "The user name or the password is wrong."
SWITCHED_OFF = "Passwords are switched off here: sign in with the provider, or with a link of dmarq sign-in-link."


class SignIn:
    """Signing in to one application. Wrong guesses, of whatever kind, are counted by one limiter.

    For the loop that the database is on.
    """

    def __init__(self, backend: Backend, limiter: Limiter | None = None) -> None:
        self._backend = backend
        self.limiter = limiter or Limiter()
        self.passwords = Passwords(memory=backend.settings.password_hash_bytes)
        self._known = _Known()

    async def begin(self, secret: str, client: Client, *, name: str = "") -> str:
        """The cookie of a new session. Raises NotSignedIn, TooManyTries, Unavailable while busy."""
        proof = await self._proven(name, secret, client=client.address, takes_codes=True)
        return await self.welcome(proof, client)

    async def welcome(self, proof: Proof, client: Client) -> str:
        """The cookie of a new session for somebody who was found to be who they are."""
        database = self._backend.whole_database
        if proof.user_id is not None:
            async with database.connection() as connection:
                await connection.execute(users.SQL["signed_in"], proof.user_id)
        log.info("signed_in", client=client.address, user=proof.name)
        return await sessions.begin(database, proof, client)

    async def check(self, secret: str, *, client: str, name: str = "") -> None:
        """Raises NotSignedIn for a wrong one, TooManyTries, Unavailable while busy."""
        await self._proven(name, secret, client=client, takes_codes=False)

    async def holder(self, secret: str, *, client: str) -> Identity | None:
        """Whose token a program sent. Raises TooManyTries.

        A token that was right before is no guess, so that a program's requests do not wait for each other.
        """
        if secret in self._known:
            found = await self._holder(secret)
            if found is not None:
                return found
            self._known.forget(secret)
        async with self.limiter.attempt(client_of(client)) as attempt:
            found = await self._holder(secret)
            attempt.is_right = found is not None
        if found is None:
            log.warning("token_refused", client=client)
        else:
            self._known.add(secret)
        return found

    async def has_password(self) -> bool:
        """Whether anybody ever chose a password."""
        async with self._backend.whole_database.connection() as connection:
            return bool(await connection.fetchval(users.SQL["has_passwords"]))

    async def set_own_password(self, identity: Identity, password: str | None) -> None:
        """Sets one's own password, or removes it; other browsers of theirs are signed out. Raises Invalid, Unavailable.

        Without a user, as with the admin token, it is that of the user "admin", who is made if need be.
        """
        stored = None if password is None else await self.passwords.hashed(password)
        await own_password.keep(self._backend.whole_database, identity, stored)

    async def _proven(self, name: str, secret: str, *, client: str, takes_codes: bool) -> Proof:
        async with self.limiter.attempt(client_of(client)) as attempt:
            proof = await self._proof(name, secret, takes_codes=takes_codes)
            attempt.is_right = proof is not None
        if proof is not None:
            return proof
        log.warning("sign_in_failed", client=client)
        wrong = FieldError(field="secret", text=self._fault(name, secret, takes_codes=takes_codes))
        raise NotSignedIn(wrong.text, title="That is not right", errors=(wrong,))

    def _fault(self, name: str, secret: str, *, takes_codes: bool) -> str:
        if takes_codes and secret.startswith(codes.PREFIX):
            return LINK_OVER
        if takes_codes and not self.takes_passwords:
            return SWITCHED_OFF
        return WRONG if name else NEITHER

    @property
    def takes_passwords(self) -> bool:
        """Whether the form takes more than the code of a link."""
        settings = self._backend.settings
        return settings.password_sign_in or not settings.oidc_issuer

    async def _proof(self, name: str, secret: str, *, takes_codes: bool) -> Proof | None:
        """Tokens and codes are looked up at once, however many guess passwords meanwhile."""
        database = self._backend.whole_database
        if takes_codes and secret.startswith(codes.PREFIX):
            return await codes.spend(database, secret)
        if takes_codes and not self.takes_passwords:
            return None
        if name.lower() in ("", users.ADMIN):
            token = await self._admin_token()
            if token is not None and admin.is_token(secret, token):
                return Proof(fingerprint(token))
        return await self._by_password(database, name or users.ADMIN, secret)

    async def _by_password(self, database: Database, name: str, secret: str) -> Proof | None:
        async with database.connection() as connection:
            row = await connection.fetchrow(users.SQL["named"], storable(name))
        stored = None if row is None or row["disabled"] else row["password"]
        is_right = await self.passwords.is_right(secret, stored, is_delayed=self.limiter.is_under_attack)
        if row is None or stored is None or not is_right:
            return None
        mark = row["mark"]
        if self.passwords.is_outdated(stored):
            mark = await own_password.hash_again(database, row["id"], await self.passwords.hashed(secret))
            log.info("password_hashed_again", user=row["name"])
        return Proof(mark, row["id"], row["name"])

    async def _holder(self, secret: str) -> Identity | None:
        configured = admin.configured(self._backend.settings)
        if configured is not None and admin.is_token(secret, configured):
            return _administrator(configured)
        if secret.startswith(tokens.PREFIX):
            return await tokens.holder(self._backend.whole_database, secret)
        token = await self._admin_token()
        return _administrator(token) if token is not None and admin.is_token(secret, token) else None

    async def _admin_token(self) -> str | None:
        """What is stored of the token that counts: the one of the settings takes the place of the one that was made."""
        configured = admin.configured(self._backend.settings)
        if configured is not None:
            return configured
        async with self._backend.whole_database.connection() as connection:
            found: str | None = await connection.fetchval(SQL["admin_token"])
        return found


class _Known:
    """Digests of tokens that were right; whether they still are is asked each time."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, secret: str) -> bool:
        return digest(secret) in self._digests

    def add(self, secret: str) -> None:
        self._digests[digest(secret)] = None
        if len(self._digests) > MAX_KNOWN:
            self._digests.popitem(last=False)

    def forget(self, secret: str) -> None:
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
