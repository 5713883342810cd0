"""The admin token: from the settings, or made at the first start and shown once."""

from config_api.auth.hashing import digest, new_secret, same
from config_api.auth.sql import SQL
from pipeline.adapters.postgres import Database
from pipeline.settings import Settings, SettingsError

KIND = "admin_token"
MIN_LENGTH = 16


def check(settings: Settings) -> None:
    """Raises SettingsError for a token that could be guessed."""
    given = settings.admin_token.get_secret_value()
    if given and len(given) < MIN_LENGTH:
        raise SettingsError(f"DMARQ_ADMIN_TOKEN has less than {MIN_LENGTH} characters; make one: openssl rand -hex 32")


async def first_token(database: Database, settings: Settings) -> str | None:
    """A new token when none is set and none was ever made; else None."""
    if settings.admin_token.get_secret_value():
        return None
    token = new_secret()
    async with database.connection() as connection:
        is_new = await connection.fetchval(SQL["add_credential"], KIND, digest(token).hex())
    return token if is_new else None


def greeting(token: str, settings: Settings) -> str:
    """What is printed once. The token follows a "#", so that browsers never send it and proxies never log it."""
    address = settings.public_url or f"http://{settings.http_address}"
    link = f"{address.rstrip('/')}/sign-in#{token}"
    return f"\nSign in at {link}\nThis link is shown once; keep the token after the #.\n\n"


def is_configured_token(secret: str, settings: Settings) -> bool:
    """Whether this is the token of the settings."""
    given = settings.admin_token.get_secret_value()
    return bool(given) and same(digest(secret), digest(given))


def is_made_token(secret: str, hashed: str | None, settings: Settings) -> bool:
    """Whether this is the token that was made at the first start; a token in the settings takes its place."""
    if hashed is None or settings.admin_token.get_secret_value():
        return False
    return same(digest(secret).hex().encode(), hashed.encode())
