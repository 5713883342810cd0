"""The administrator's password, for those who like one better than a token."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from config_api.auth.hashing import digest
from config_api.auth.sql import SQL
from config_api.problem import FieldError, invalid
from pipeline.adapters.postgres import Database

KIND = "password"
MIN_LENGTH = 12
MAX_LENGTH = 1000

_hasher = PasswordHasher()
_NOBODYS = _hasher.hash("compared with where there is no password, so that the answer takes as long")


async def set_password(database: Database, password: str | None, *, keep_session: str = "") -> None:
    """Sets the password, or removes it (None). Other browsers are signed out. Raises Problem 422."""
    if password is not None and not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise invalid(FieldError(field="password", text=f"Use {MIN_LENGTH} to {MAX_LENGTH} characters."))
    async with database.transaction() as connection:
        if password is None:
            await connection.execute(SQL["forget_credential"], KIND)
        else:
            await connection.execute(SQL["set_credential"], KIND, _hasher.hash(password))
        await connection.execute(SQL["end_other_sessions"], digest(keep_session))


def is_password(secret: str, hashed: str | None) -> bool:
    """Whether this is the password. Takes as long when there is none."""
    try:
        matches = _hasher.verify(hashed or _NOBODYS, secret[:MAX_LENGTH].encode("utf-8", "surrogateescape"))
    except (VerificationError, InvalidHashError):
        return False
    return matches and hashed is not None
