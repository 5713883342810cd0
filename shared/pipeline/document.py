"""What the extractor found in a mail: the documents, and one line for every part with its fate."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from pipeline.reasons import Reason


class DocumentFormat(StrEnum):
    """What a document looks like by its first bytes; the reader for it is chosen by this alone."""

    XML = "xml"  # a DMARC aggregate report, perhaps
    JSON = "json"  # an SMTP TLS report, perhaps
    ARF = "arf"  # a whole mail that is a failure report (RFC 5965 or a notice without a feedback part)


class LineOutcome(StrEnum):
    """The fate of one part of a mail."""

    DOCUMENT = "document"  # extracted; the parser decides
    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    IGNORED = "ignored"  # nothing that could hold a report: text, images, signatures, switched-off formats


class PartLine(BaseModel):
    """One part of a mail (a MIME leaf or an archive member) and what became of it.

    `path` numbers MIME parts from 1 and names archive members: "2", "2/report.xml", "3/1/2". `size` is bytes as
    decoded from the transfer encoding. `repairs` names what had to be mended to read it. `salvaged` is what could still
    be seen in a document that was refused (org_name, report_id, ...), as it was written.
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
