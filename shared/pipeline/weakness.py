"""What is unsafe about the settings of a mailbox: to be shown wherever the mailbox is."""

from enum import StrEnum

from pipeline.mailbox import MailboxSettings, Security


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
    """Those of a mailbox; a connection that is not encrypted has no certificate to check."""
    if settings.security is Security.NONE:
        return (Weakness.NOT_ENCRYPTED,)
    return () if settings.verify_certificate else (Weakness.CERTIFICATE_NOT_CHECKED,)
