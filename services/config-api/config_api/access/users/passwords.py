"""Passwords are kept as hashes of argon2id, which takes a chosen amount of memory for each guess."""

import asyncio
from base64 import b64encode
from secrets import token_bytes

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from config_api.access.hashing import HashingRoom, as_bytes
from config_api.errors import FieldError, invalid
from pipeline.contracts.limits import MiB

MIN_LENGTH = 12
MAX_LENGTH = 1000
KIB = 1024


class Passwords:
    """Hashes and compares, few at a time; each takes `memory` bytes meanwhile. For one event loop."""

    def __init__(self, *, memory: int = 64 * MiB) -> None:
        self._hasher = PasswordHasher(memory_cost=memory // KIB)
        self._room = HashingRoom()
        self._nobodys = _nobodys(self._hasher)

    async def hashed(self, password: str) -> str:
        """What is stored of it. Raises Invalid for a password of a wrong length, Unavailable."""
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise invalid(FieldError(field="password", text=f"Use {MIN_LENGTH} to {MAX_LENGTH} characters."))
        async with self._room.place():
            return await asyncio.to_thread(self._hasher.hash, as_bytes(password))

    async def is_right(self, secret: str, stored: str | None, *, is_delayed: bool = False) -> bool:
        """Whether this is the password. Takes as long where there is none. Raises Unavailable."""
        async with self._room.place(is_delayed=is_delayed):
            return await asyncio.to_thread(self._matches, secret, stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed otherwise than passwords are now."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, secret: str, stored: str | None) -> bool:
        try:
            matches = self._hasher.verify(stored or self._nobodys, as_bytes(secret[:MAX_LENGTH]))
        except (VerificationError, InvalidHashError):
            return False
        return matches and stored is not None


def _nobodys(hasher: PasswordHasher) -> str:
    """A hash of the hasher's own cost that no password has: compared with where there is none."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, tag = (b64encode(token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${tag}"
