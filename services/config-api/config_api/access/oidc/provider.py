"""The provider: what it says of itself, its keys, and what it gives for a code. Everything it answers is bounded."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import structlog
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from config_api.errors import Unavailable

log = structlog.get_logger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)
MAX_BYTES = 512 * 1024  # of an answer
MAX_KEYS = 50
KEPT = 3600.0  # seconds that metadata and keys are believed
ASKED_AGAIN = 60.0  # seconds until keys may be asked for again because of a token with another one
AT_ONCE = 4  # requests
IN_LINE = 4  # further ones that wait for these; each holds a thread of the pages
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class _Kept:
    value: Any = None
    at: float = field(default=float("-inf"))

    def is_younger_than(self, seconds: float) -> bool:
        return monotonic() - self.at < seconds


class Provider:
    """One provider, by its issuer. For one event loop. Every method raises Unavailable while it cannot be asked."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._metadata, self._keys = _Kept(), _Kept()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def metadata(self) -> OpenIDProviderMetadata:
        """Where its endpoints are (OpenID Connect Discovery 1.0, section 4)."""
        if not self._metadata.is_younger_than(KEPT):
            found = OpenIDProviderMetadata(await self._asked("GET", get_well_known_url(self.issuer, external=True)))
            if found.get("issuer") != self.issuer:
                raise _odd("it calls itself by another name than DMARQ_OIDC_ISSUER")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                self._address(found.get(name))
            self._metadata = _Kept(found, monotonic())
        return cast(OpenIDProviderMetadata, self._metadata.value)

    async def keys(self, kid: str | None) -> list[Any]:
        """Its public keys of this id; asked for again where it has made new ones."""
        if not self._keys.is_younger_than(KEPT) or (
            not self._matching(kid) and not self._keys.is_younger_than(ASKED_AGAIN)
        ):
            answer = await self._asked("GET", self._address((await self.metadata())["jwks_uri"]))
            listed = answer.get("keys")
            self._keys = _Kept(_usable(listed if isinstance(listed, list) else []), monotonic())
        return self._matching(kid)

    async def tokens(self, form: str, authorization: str) -> Mapping[str, Any]:
        """What it gives for a code (RFC 6749, section 4.1.3)."""
        address = self._address((await self.metadata())["token_endpoint"])
        return await self._asked("POST", address, form=form, authorization=authorization)

    async def user_info(self, access_token: str) -> Mapping[str, Any]:
        """What more it says of somebody (OpenID Connect Core 1.0, section 5.3); nothing where it has no such place."""
        address = (await self.metadata()).get("userinfo_endpoint")
        if not address:
            return {}
        return await self._asked("GET", self._address(address), authorization=f"Bearer {access_token}")

    def _matching(self, kid: str | None) -> list[Any]:
        return [key for key in self._keys.value or () if kid is None or key.kid in (None, kid)]

    def _address(self, url: Any) -> str:
        """An address that it names. Raises Unavailable for one that is not protected as its own is."""
        try:
            parts = urlsplit(url if isinstance(url, str) else "")
        except ValueError:
            raise _odd("an address it names is none") from None
        is_local = urlsplit(self.issuer).scheme == "http" and parts.hostname in LOOPBACK
        if not parts.netloc or (parts.scheme != "https" and not is_local):
            raise _odd("an address it names is no https address")
        return str(url)

    async def _asked(self, method: str, url: str, *, form: str = "", authorization: str = "") -> Mapping[str, Any]:
        if self._inside >= AT_ONCE + IN_LINE:
            raise Unavailable("Too many sign-ins at the same time. Try again in some seconds.")
        self._inside += 1
        try:
            return await self._answer_of(method, url, form=form, authorization=authorization)
        finally:
            self._inside -= 1

    async def _answer_of(self, method: str, url: str, *, form: str, authorization: str) -> Mapping[str, Any]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}  # few bytes would become very many
        if authorization:
            headers["Authorization"] = authorization
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            async with (
                self._room,
                aiohttp.ClientSession(timeout=TIMEOUT, headers=headers, auto_decompress=False) as session,
                session.request(method, url, data=form.encode() or None, allow_redirects=False) as answer,
            ):
                body = await _bounded(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("provider_away", issuer=self.issuer, error=type(error).__name__)
            raise Unavailable("The sign-in provider does not answer just now. Try again in some seconds.") from None
        return _object(answer.status, body)


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _odd("its answer is compressed unasked")
    body = bytearray()
    async for piece in answer.content.iter_chunked(16 * 1024):
        body += piece
        if len(body) > MAX_BYTES:
            raise _odd("its answer is too long")
    return bytes(body)


def _object(status: int, body: bytes) -> Mapping[str, Any]:
    if status != 200:
        raise _odd(f"it answered {status}{_error_code(body)}")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _odd("its answer is no JSON object")
    return found


def _error_code(body: bytes) -> str:
    """The code of an OAuth error, for the log; nothing else of the answer."""
    with suppress(ValueError, RecursionError):
        found = json.loads(body)
        code = found.get("error") if isinstance(found, dict) else None
        if isinstance(code, str) and code.isascii() and code.replace("_", "").isalpha():
            return f" ({code[:50]})"
    return ""


def _usable(listed: list[Any]) -> list[Any]:
    """The keys that we know how to use; a provider may have others."""
    keys = []
    for each in listed[:MAX_KEYS]:
        if isinstance(each, dict) and each.get("kty") != "oct" and each.get("use", "sig") == "sig":
            with suppress(JoseError, ValueError, TypeError, KeyError):
                keys.append(import_key(each))
    return keys


def _odd(why: str) -> Unavailable:
    log.warning("provider_odd", why=why)
    return Unavailable(f"The sign-in provider cannot be used: {why}.")
