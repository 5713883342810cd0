"""Extracted mails as the parser gets them: made of documents, without an extractor."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

from pipeline.contracts.mail import DocumentFormat, DocumentInfo, LineOutcome, MailRef, PartLine
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.mailbox import Action, Handling, MailAction
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope, Parcel

FETCHED_AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HANDLING = Handling(
    settings_version=3,
    on_processed=MailAction(action=Action.MOVE, folder="Done"),
    on_failed=MailAction(action=Action.MARK_READ),
)


def mail_ref(uid: int, *, mailbox_id: str = "box") -> MailRef:
    """The mail with this UID in the INBOX of a mailbox."""
    return MailRef.of(mailbox_id=mailbox_id, folder="INBOX", uidvalidity=7, uid=uid)


def extracted(uid: int, *documents: bytes | str, lines: Sequence[PartLine] = (), **fields: object) -> Envelope:
    """A mail with these documents (XML, JSON or a whole mail), further parts, and fields of the event as given."""
    infos, cargo, parts = [], [Parcel.of(b"Subject: a report\r\n\r\n")], list(lines)
    for number, document in enumerate(documents, start=1):
        data = document.encode() if isinstance(document, str) else document
        path = f"{number}/report"
        infos.append(
            DocumentInfo(
                path=path,
                name=f"report-{number}",
                format=_format(data),
                size=len(data),
                sha256=sha256(data).hexdigest(),
                cargo=number,
            )
        )
        cargo.append(Parcel.of(gzip.compress(data, mtime=0)))
        parts.append(PartLine(path=path, name=f"report-{number}", size=len(data), outcome=LineOutcome.DOCUMENT))
    facts: dict[str, object] = {
        "mail": mail_ref(uid),
        "handling": HANDLING,
        "size": 1000,
        "fetched_at": FETCHED_AT,
        "run_id": "run-1",
        "subject_line": "Report Domain: example.com",
        "from_address": "noreply@receiver.example",
    }
    event = MailExtracted.model_validate({**facts, "lines": parts, "documents": infos, **fields})
    return Envelope(event, tuple(cargo))


def _format(data: bytes) -> DocumentFormat:
    known = {b"<": DocumentFormat.XML, b"{": DocumentFormat.JSON, b"[": DocumentFormat.JSON}
    return known.get(data[:1], DocumentFormat.ARF)


def refused_line(reason: Reason = Reason.ENCRYPTED) -> PartLine:
    """A part that the extractor refused."""
    return PartLine(path="9", name="locked.zip", outcome=LineOutcome.REFUSED, reason=reason, detail="locked.zip")


def text_line() -> PartLine:
    """A part that can hold no report."""
    return PartLine(path="8", declared_type="text/plain", outcome=LineOutcome.IGNORED)
