"""Sign-in links: a code that is good once, and for some minutes. It stands for the credential that it was made with."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from config_api.access.hashing import digest, new_secret
from config_api.access.sessions import WITHOUT_USER, Proof
from config_api.access.sql import SQL
from pipeline.postgres.connection import Database
from pipeline.settings import Settings

PREFIX = "once_"
LIFE = 900  # seconds
MOST = 100  # the newest are kept


class SignInLink(BaseModel):
    """A link that signs a browser in, once."""

    model_config = ConfigDict(frozen=True)

    url: str = Field(description="The code follows a #, so that browsers never send it and proxies never log it.")
    expires_at: datetime


async def create(
    database: Database, settings: Settings, *, credential: bytes, user_id: int | None = None
) -> SignInLink:
    """A new link. The session that it begins ends when the credential changes."""
    code = new_secret(PREFIX)
    async with database.connection() as connection:
        expires_at = await connection.fetchval(
            SQL["add_code"], digest(code), credential, float(LIFE), MOST - 1, user_id
        )
    address = settings.public_url or f"http://{settings.http_address}"
    return SignInLink(url=f"{address.rstrip('/')}/sign-in#{code}", expires_at=expires_at)


async def spend(database: Database, code: str) -> Proof | None:
    """What the code stands for, if it is one; it is good no more."""
    async with database.connection() as connection:
        row = await connection.fetchrow(SQL["spend_code"], digest(code))
    return None if row is None else Proof(row["made_by"], row["user_id"], row["name"] or WITHOUT_USER)


def greeting(token: str, link: SignInLink) -> str:
    """What is printed at the first start, once."""
    return (
        f"\nSign in within {LIFE // 60} minutes, once: {link.url}\n"
        f"Admin token, for later and for programs: {token}\n"
        "Both are shown once. Keep the token.\n\n"
    )
