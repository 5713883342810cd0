"""The administrator's password, for those who like one better than a token."""

from base64 import b64encode
from secrets import token_bytes

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from config_api.access.hashing import as_bytes, digest, fingerprint
from config_api.access.sql import SQL
from config_api.web.problem import FieldError, invalid
from pipeline.postgres.connection import Database

KIND = "password"
MIN_LENGTH = 12
MAX_LENGTH = 1000

_hasher = PasswordHasher()


def _nobodys() -> str:
    """A hash of the hasher's own cost that no password has: compared with where there is none."""
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    salt, tag = (b64encode(token_bytes(size)).decode().rstrip("=") for size in (_hasher.salt_len, _hasher.hash_len))
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${tag}"


_NOBODYS = _nobodys()


def hashed(password: str) -> str:
    """What is stored of it; takes 64 MiB for a while. Raises Problem 422."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise invalid(FieldError(field="password", text=f"Use {MIN_LENGTH} to {MAX_LENGTH} characters."))
    return _hasher.hash(as_bytes(password))


async def keep(database: Database, password_hash: str | None, *, keep_session: str = "") -> None:
    """The password from now on, or none. Other browsers are signed out."""
    async with database.transaction() as connection:
        before = await connection.fetchval(SQL["credential"], KIND)
        if password_hash is None:
            await connection.execute(SQL["forget_credential"], KIND)
        else:
            await connection.execute(SQL["set_credential"], KIND, password_hash)
        await connection.execute(SQL["end_other_sessions"], digest(keep_session))
        if before is not None and password_hash is not None:
            await connection.execute(SQL["rebind_sessions"], fingerprint(before), fingerprint(password_hash))


def is_password(secret: str, password_hash: str | None) -> bool:
    """Whether this is the password; takes 64 MiB for a while. Takes as long when there is none."""
    try:
        matches = _hasher.verify(password_hash or _NOBODYS, as_bytes(secret[:MAX_LENGTH]))
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None
