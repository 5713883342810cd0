"""An email's name on our side, and what was found in it: the documents, and one line for every part with its
outcome. Pure."""

import json
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipeline.contracts.reasons import Reason

MAILBOX_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
MailboxId = Annotated[str, StringConstraints(pattern=MAILBOX_ID_PATTERN)]
NAMESPACE = UUID("6d61726b-0000-5000-8000-646d61727101")
HANDED_OVER: Final = "import"  # the mailbox of files that somebody handed over
HANDED_OVER_SUBJECT: Final = "Imported: "  # of the mail of our own in which a file travels that is no mail itself


def mail_id_of(*, mailbox_id: str, folder: str, uidvalidity: int, uid: int) -> str:
    """32 lower-case hexadecimal digits, derived from where the mail is; also a valid W3C trace id."""
    return uuid5(NAMESPACE, json.dumps([mailbox_id, folder, uidvalidity, uid])).hex


class MailRef(BaseModel):
    """Where a mail is (mailbox, folder, uidvalidity, uid) and the id that follows from it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mail_id: str
    mailbox_id: MailboxId
    folder: str
    uidvalidity: int
    uid: int

    @classmethod
    def of(cls, *, mailbox_id: str, folder: str, uidvalidity: int, uid: int) -> Self:
        """The reference to the mail with this UID in this folder."""
        mail_id = mail_id_of(mailbox_id=mailbox_id, folder=folder, uidvalidity=uidvalidity, uid=uid)
        return cls(mail_id=mail_id, mailbox_id=mailbox_id, folder=folder, uidvalidity=uidvalidity, uid=uid)


class DocumentFormat(StrEnum):
    """What a document looks like by its first bytes; the reader for it is chosen by this alone."""

    XML = "xml"  # a DMARC aggregate report, perhaps
    JSON = "json"  # an SMTP TLS report, perhaps
    ARF = "arf"  # a whole mail that is a failure report (RFC 5965 or a notice without a feedback part)


class LineOutcome(StrEnum):
    """The outcome of one part of a mail."""

    DOCUMENT = "document"  # extracted; the parser decides
    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    IGNORED = "ignored"  # nothing that could hold a report: text, images, signatures, switched-off formats


class PartLine(BaseModel):
    """One part of a mail (a MIME leaf or an archive member) and what became of it.

    `path` numbers MIME parts from 1 and names archive members: "2", "2/report.xml", "3/1/2". `size` is bytes as
    decoded from the transfer encoding. `repairs` names what had to be repaired to read it. `salvaged` is what could
    still be seen in a document that was refused (org_name, report_id, ...), as it was written.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    name: str = ""
    declared_type: str = ""
    sniffed: str = ""
    size: int = 0
    outcome: LineOutcome
    reason: Reason | None = None
    detail: str = ""
    repairs: tuple[str, ...] = ()
    salvaged: dict[str, str] = Field(default_factory=dict)


class DocumentInfo(BaseModel):
    """One document found in a mail: everything but its bytes.

    The bytes travel gzip-compressed (one member, no name, mtime 0) beside the event, at index `cargo`.
    `size` is the uncompressed size in bytes, `sha256` the hash of the uncompressed bytes (hexadecimal).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    name: str = ""
    format: DocumentFormat
    size: int
    sha256: str
    cargo: int
    repairs: tuple[str, ...] = ()
