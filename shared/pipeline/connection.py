"""The answer to a connection test: what a fetcher found out about a mailbox, and what to do if it does not work."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Category(StrEnum):
    """What a connection test ended with; also what kind of fault ended a poll."""

    OK = "ok"
    AUTHENTICATION = "authentication"
    AUTH_EXPIRED = "auth_expired"
    CONNECTIVITY = "connectivity"
    TLS = "tls"
    MAILBOX_NOT_FOUND = "mailbox_not_found"
    PERMISSIONS = "permissions"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"


class ConnectionTest(BaseModel):
    """`message_count` and `unread_count` are of the configured folder, None when it could not be reached."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    success: bool
    summary: str
    message_count: int | None = None
    unread_count: int | None = None
    folders: tuple[str, ...] = ()
    category: Category
    recovery_steps: tuple[str, ...] = ()
