"""A kept document, with as much of its mail's event as the ledger remembers."""

from dataclasses import dataclass
from datetime import datetime

from pipeline.contracts.events import MailExtracted
from pipeline.contracts.mail import DocumentFormat, DocumentInfo, LineOutcome, MailRef
from pipeline.contracts.mailbox import Handling
from pipeline.contracts.repairs import Repair
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

REPARSE = Statements.of("parser.reparse")

_READERS_REPAIRS = frozenset(Repair) - {Repair.ONE_OF_SEVERAL}


@dataclass(frozen=True, slots=True)
class Kept:
    """`info.repairs` were made before there was a document: by the extractor, or to a file with several reports."""

    number: int
    info: DocumentInfo
    data: bytes
    event: MailExtracted
    stored_at: datetime
    outcome: LineOutcome
    reason: str | None
    detail: str
    parser_version: str


async def kept(connection: Connection, number: int) -> Kept | None:
    """The document with this number; None when it or its bytes are gone."""
    row = await connection.fetchrow(REPARSE["kept_document"], number)
    if row is None:
        return None
    by_readers = _READERS_REPAIRS.union(row["report_repairs"] or ())
    info = DocumentInfo(
        path=row["path"],
        name=row["name"],
        format=DocumentFormat(row["format"]),
        size=row["size"],
        sha256=row["sha256"].hex(),
        cargo=0,
        repairs=tuple(repair for repair in row["repairs"] if repair not in by_readers),
    )
    event = MailExtracted(
        mail=MailRef(
            mail_id=row["mail_id"].hex,
            mailbox_id=row["mailbox_id"],
            folder=row["folder"],
            uidvalidity=row["uidvalidity"],
            uid=row["uid"],
        ),
        handling=Handling(settings_version=row["settings_version"]),
        size=row["mail_size"],
        fetched_at=row["fetched_at"],
        from_address=row["from_address"],
        documents=(info,),
    )
    return Kept(
        number=number,
        info=info,
        data=row["bytes"],
        event=event,
        stored_at=row["stored_at"],
        outcome=LineOutcome(row["outcome"]),
        reason=row["reason"],
        detail=row["detail"],
        parser_version=row["parser_version"],
    )
