"""The admin token: from the settings, or made at the first start and shown once."""

from config_api.access.hashing import digest, new_secret, same
from config_api.access.sql import SQL
from pipeline.postgres.connection import Database
from pipeline.secrets import entropy_bits
from pipeline.settings import Settings, SettingsError

KIND = "admin_token"
MIN_LENGTH = 32  # 128 bits in hexadecimal
MIN_BITS = 60.0  # random ones have more, even those that happen to look like words
MAKE_ONE = "make one: openssl rand -hex 32"


def check(settings: Settings) -> None:
    """Raises SettingsError for a token that could be guessed."""
    given = settings.admin_token.get_secret_value()
    if given and len(given) < MIN_LENGTH:
        raise SettingsError(f"DMARQ_ADMIN_TOKEN has less than {MIN_LENGTH} characters; {MAKE_ONE}")
    if given and entropy_bits(given) < MIN_BITS:
        raise SettingsError(f"DMARQ_ADMIN_TOKEN repeats itself, so that it could be guessed; {MAKE_ONE}")


async def first_token(database: Database, settings: Settings) -> str | None:
    """A new token when none is set and none was ever made; else None."""
    if settings.admin_token.get_secret_value():
        return None
    token = new_secret()
    async with database.connection() as connection:
        is_new = await connection.fetchval(SQL["add_credential"], KIND, stored(token))
    return token if is_new else None


def stored(token: str) -> str:
    """What is stored of it."""
    return digest(token).hex()


def configured(settings: Settings) -> str | None:
    """What would be stored of the token of the settings; None where they have none."""
    given = settings.admin_token.get_secret_value()
    return stored(given) if given else None


def is_token(secret: str, hashed: str | None) -> bool:
    """Whether this is the token that is stored so."""
    return hashed is not None and same(stored(secret).encode(), hashed.encode())
