"""Secrets that we make are long and random, so a plain hash keeps them; only passwords need a slow one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe

from config_api.errors import Unavailable

RANDOM_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A secret that nobody guesses, safe in headers, cookies and links."""
    return prefix + token_urlsafe(RANDOM_BYTES)


def as_bytes(text: str) -> bytes:
    """What somebody sent as a secret, whatever characters (lone surrogates, too) it has."""
    return text.encode("utf-8", "surrogatepass")


def digest(secret: str) -> bytes:
    """What is stored of it."""
    return sha256(as_bytes(secret)).digest()


def fingerprint(stored: str) -> bytes:
    """What a session is bound to: the credential, as it is stored, that began it."""
    return sha256(stored.encode()).digest()


def same(one: bytes, other: bytes) -> bool:
    """Compares in constant time."""
    return compare_digest(one, other)


AT_ONCE = 2
IN_LINE = 8
LONGEST_WAIT = 4.0  # seconds
RETRY_AFTER = 2  # seconds
DELAY = 0.5  # seconds that a hash takes longer while there are many wrong guesses


class HashingRoom:
    """Where passwords are hashed: few at once, because each takes its memory. For one event loop."""

    def __init__(self, *, at_once: int = AT_ONCE, in_line: int = IN_LINE) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once + in_line
        self._inside = 0

    @asynccontextmanager
    async def place(self, *, is_delayed: bool = False) -> AsyncIterator[None]:
        """A hash may be worked out inside the block. Raises Unavailable where too many others wait."""
        if self._inside >= self._most:
            raise _busy()
        self._inside += 1
        try:
            await self._waited_for()
            try:
                if is_delayed:
                    await asyncio.sleep(DELAY)
                yield
            finally:
                self._places.release()
        finally:
            self._inside -= 1

    async def _waited_for(self) -> None:
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await self._places.acquire()
        except TimeoutError:
            raise _busy() from None


def _busy() -> Unavailable:
    text = "Too many sign-ins at the same time. Try again in some seconds."
    return Unavailable(text, title="Busy", retry_after=RETRY_AFTER)
