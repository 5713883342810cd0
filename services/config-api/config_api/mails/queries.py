"""The ledger: every mail with its outcome, and the whole way of one mail."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field

from config_api.web.absence import Maybe
from config_api.web.paging import Page, moment_mark, page_of
from config_api.web.problem import not_found
from config_api.web.shapes import PeriodFilter, Row, Text
from pipeline.contracts.events import Outcome
from pipeline.contracts.mail import PartLine
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

MAILS = Statements.of("config_api.mails")


class TraceStep(Row):
    """Something that happened to a mail, and when."""

    at: datetime
    name: str
    text: str


def steps_of(mail: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> list[TraceStep]:
    """The steps of a row of the ledger with its documents, in the order of time."""
    steps = [
        *_received(mail),
        TraceStep(
            at=mail["fetched_at"],
            name="fetched",
            text=f"Fetched from {mail['folder']}, UID {mail['uid']}, {mail['size']} bytes, "
            f"with version {mail['settings_version']} of the settings.",
        ),
        TraceStep(at=mail["stored_at"], name="stored", text=_outcome(mail, documents)),
        *_acted(mail),
    ]
    return sorted(steps, key=lambda step: step.at)


def _received(mail: Mapping[str, Any]) -> list[TraceStep]:
    if mail["internal_date"] is None:
        return []
    return [TraceStep(at=mail["internal_date"], name="received", text="Received by the mail server.")]


def _outcome(mail: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> str:
    reports = sum(1 for document in documents if document["outcome"] == "stored")
    why = f" ({mail['reason']})" if mail["reason"] else ""
    return f"Ended as {mail['outcome']}{why}: {len(documents)} report files found, {reports} reports stored."


def _acted(mail: Mapping[str, Any]) -> list[TraceStep]:
    if mail["acted_at"] is None:
        return []
    target = f" to {mail['action_target']}" if mail["action_target"] else ""
    why = f" ({mail['action_reason']})" if mail["action_reason"] else ""
    text = f"{mail['action']}{target}: {mail['action_state']}{why}."
    return [TraceStep(at=mail["acted_at"], name="acted", text=text)]


MailId = Annotated[str, BeforeValidator(lambda value: value.hex if hasattr(value, "hex") else value)]


class MailFilter(PeriodFilter):
    """Which mails. The period is that of their storing."""

    mailbox_id: Maybe[Text] = None
    outcome: Maybe[Outcome] = None
    reason: Maybe[Text] = Field(None, description="A reason code.")
    run_id: Maybe[Text] = Field(None, description="The fetch run that brought them.")
    q: Maybe[Text] = Field(None, description="A text in the subject, the sender or the Message-ID.")


class MailSummary(Row):
    """A mail as the ledger has it."""

    mail_id: MailId
    mailbox_id: str
    folder: str
    uidvalidity: int
    uid: int
    header_message_id: str
    from_address: str
    subject: str
    date: datetime | None
    internal_date: datetime | None
    size: int
    fetched_at: datetime
    stored_at: datetime
    run_id: str
    settings_version: int
    take: int
    outcome: Outcome
    reason: str | None
    detail: str
    action: str
    action_target: str | None
    action_state: str
    action_reason: str | None
    action_detail: str
    acted_at: datetime | None


class DocumentRow(Row):
    """A report file found in a mail. `report` is the id of the report that it holds or repeats."""

    id: int
    path: str
    name: str
    format: str
    size: int
    sha256: str
    is_kept: bool = Field(description="Whether its bytes are still kept.")
    outcome: str
    reason: str | None
    detail: str
    repairs: list[str]
    report: int | None
    parser_version: str
    stored_at: datetime


class ReportOfMail(Row):
    """A report that a mail brought or repeated."""

    id: int
    kind: str
    org_name: str
    report_id: str
    domain: str
    begin: datetime
    end: datetime
    records: int
    messages: int
    variant: bool


class MailTrace(Row):
    """The whole way of one mail: from the mailbox over its parts to the reports, and what was done to it then."""

    mail: MailSummary
    lines: list[PartLine]
    documents: list[DocumentRow]
    reports: list[ReportOfMail]
    steps: list[TraceStep]


async def find(database: Database, wanted: MailFilter, *, limit: int, cursor: str | None) -> Page[MailSummary]:
    """Mails, the last stored first."""
    at, mail_id = moment_mark(cursor) or (None, None)
    values = (
        wanted.mailbox_id,
        wanted.outcome.value if wanted.outcome else None,
        wanted.reason,
        wanted.run_id,
        wanted.since,
        wanted.until,
        wanted.q,
        at,
        None if mail_id is None else _uuid(mail_id).hex,
        limit + 1,
    )
    async with database.connection() as connection:
        rows = await connection.fetch(MAILS["mails"], *values)
    found = [MailSummary.model_validate(dict(row)) for row in rows]
    return page_of(found, limit, lambda mail: (mail.stored_at, mail.mail_id))


async def trace(database: Database, mail_id: str) -> MailTrace:
    """One mail's way. Raises Problem 404; a mail that is still on its way is in no ledger yet."""
    async with database.connection() as connection:
        row = await connection.fetchrow(MAILS["mail"], _uuid(mail_id))
        if row is None:
            raise not_found("mail")
        documents = [dict(each) for each in await connection.fetch(MAILS["documents"], row["mail_id"])]
        ids = [each["report"] for each in documents if each["report"] is not None]
        reports = [dict(each) for each in await connection.fetch(MAILS["reports"], ids)]
    return MailTrace.model_validate(
        {
            "mail": dict(row),
            "lines": row["lines"],
            "documents": documents,
            "reports": reports,
            "steps": steps_of(dict(row), documents),
        }
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise not_found("mail") from None
