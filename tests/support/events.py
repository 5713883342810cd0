"""One full example of every event, and small makers of mails on their way, for tests of the runtime."""

from datetime import UTC, datetime

from pipeline.contracts.events import ActivityLogged, FetchRunFinished, FetchTrigger, Level, ReportStored
from pipeline.contracts.mail import DocumentFormat, DocumentInfo, LineOutcome, MailRef, PartLine
from pipeline.contracts.mail_events import (
    ActResult,
    Event,
    MailActed,
    MailCommand,
    MailDied,
    MailExtracted,
    MailFetched,
    Outcome,
)
from pipeline.contracts.mailbox import Action, Handling, MailAction
from pipeline.contracts.reasons import Reason
from pipeline.contracts.report import ReportKind
from pipeline.contracts.wire import Envelope, Parcel

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MAIL = MailRef.of(mailbox_id="reports", folder="INBOX", uidvalidity=7, uid=42)
HANDLING = Handling(settings_version=3, on_processed=MailAction(action=Action.MOVE, folder="Done"))

SAMPLES: tuple[Event, ...] = (
    MailFetched(
        mail=MAIL,
        handling=HANDLING,
        size=2048,
        internal_date=AT,
        fetched_at=AT,
        run_id="run-1",
        take=1,
        subject_line="Report Domain: exämple.com",
        from_address="noreply@example.net",
    ),
    MailExtracted(
        mail=MAIL,
        handling=HANDLING,
        size=2048,
        fetched_at=AT,
        run_id="run-1",
        subject_line="Report",
        header_message_id="<1@example.net>",
        date=AT,
        lines=(
            PartLine(path="1", declared_type="text/plain", size=10, outcome=LineOutcome.IGNORED),
            PartLine(path="2", name="a.zip", sniffed="zip", outcome=LineOutcome.REFUSED, reason=Reason.ENCRYPTED),
        ),
        documents=(
            DocumentInfo(path="3", name="r.xml", format=DocumentFormat.XML, size=900, sha256="0" * 64, cargo=1),
        ),
    ),
    MailCommand(mail=MAIL, outcome=Outcome.IMPORTED, action=Action.MOVE, folder="Done"),
    MailActed(
        mailbox_id="reports",
        folder="INBOX",
        action=Action.MOVE,
        target="Done",
        result=ActResult.DONE,
        mail_ids=(MAIL.mail_id,),
        at=AT,
    ),
    MailDied(
        mail=MAIL,
        handling=HANDLING,
        size=2048,
        internal_date=AT,
        fetched_at=AT,
        consumer="extractor",
        reason=Reason.BUG,
        detail="KeyError: 'x'",
    ),
    ReportStored(
        id=5,
        mail_id=MAIL.mail_id,
        mailbox_id="reports",
        kind=ReportKind.AGGREGATE,
        org_name="example.net",
        report_id="r-1",
        domain="Example.com",
        begin=1767225600,
        end=1767311999,
        fingerprint="0" * 64,
        records=1,
        messages=3,
        repairs=("namespace",),
        report={"policy": {"p": "none"}},
        rows=({"source_ip": "192.0.2.1", "count": 3},),
        link="http://127.0.0.1:8080/reports/5",
        stored_at=AT,
    ),
    FetchRunFinished(
        mailbox_id="reports",
        run_id="run-1",
        folder="INBOX",
        trigger=FetchTrigger.POLL,
        started_at=AT,
        finished_at=AT,
        seen=9,
        filtered=1,
        fetched=8,
        fetched_bytes=80_000,
    ),
    ActivityLogged(
        id="a-1",
        mailbox_id="reports",
        source="imap",
        name="connected",
        level=Level.DEBUG,
        text="connected to imap.example.com",
        data={"tls": "TLSv1.3", "capabilities": ["IDLE", "MOVE"]},
        at=AT,
    ),
)


def fetched(uid: int, body: bytes = b"Subject: x\r\n\r\n", *, mailbox_id: str = "reports", take: int = 0) -> Envelope:
    """A fetched mail with its bytes."""
    mail = MailRef.of(mailbox_id=mailbox_id, folder="INBOX", uidvalidity=1, uid=uid)
    event = MailFetched(mail=mail, handling=HANDLING, size=len(body), fetched_at=AT, take=take)
    return Envelope(event, (Parcel.of(body),))


def extracted(envelope: Envelope, *documents: bytes) -> Envelope:
    """What follows from a fetched mail: the mail itself and these documents as cargo."""
    event = envelope.event
    assert isinstance(event, MailFetched)
    after = MailExtracted(
        mail=event.mail, handling=event.handling, size=event.size, fetched_at=event.fetched_at, take=event.take
    )
    return Envelope(after, (*envelope.cargo[:1], *map(Parcel.of, documents)))


def uid_of(event: Event) -> int:
    """The UID of the mail an event is about."""
    assert isinstance(event, MailFetched | MailExtracted | MailDied)
    return event.mail.uid
