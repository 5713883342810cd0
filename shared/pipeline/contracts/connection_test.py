"""The answer to a connection test: what works, what does not, what to do about it; and what is unsafe about the
settings."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from pipeline.contracts.mailbox import MailboxSettings, Security


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
    STORE_FULL = "store_full"  # ours: large emails wait in the mailbox


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
    fingerprint: str = Field(
        "",
        description="SHA-256 of a certificate that cannot be checked otherwise, to be set as `pinned_certificate`.",
    )


class Weakness(StrEnum):
    """A setting by which others on the way could read the password and the mails."""

    NOT_ENCRYPTED = "not_encrypted"
    CERTIFICATE_NOT_CHECKED = "certificate_not_checked"

    @property
    def text(self) -> str:
        """In words, as a sentence without its full stop."""
        return _TEXTS[self]


_TEXTS = {
    Weakness.NOT_ENCRYPTED: "The connection is not encrypted",
    Weakness.CERTIFICATE_NOT_CHECKED: "The server's certificate is not checked",
}


def weaknesses(settings: MailboxSettings) -> tuple[Weakness, ...]:
    """Those of a mailbox; a connection that is not encrypted has no certificate to check, a pinned one is
    checked."""
    if settings.security is Security.NONE:
        return (Weakness.NOT_ENCRYPTED,)
    return () if settings.verify_certificate or settings.pinned_certificate else (Weakness.CERTIFICATE_NOT_CHECKED,)
