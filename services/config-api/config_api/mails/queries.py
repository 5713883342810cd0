"""The ledger: every email with its outcome, and the whole way of one email."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field

from config_api.errors import not_found
from config_api.mails.steps import TraceStep, steps_of
from config_api.web.absence import Maybe
from config_api.web.paging import MAX_COUNTED, Page, PageQuery, page_at
from config_api.web.shapes import PeriodFilter, Row, Text
from config_api.web.sorting import Key, Order, parameters
from pipeline.contracts.mail import PartLine
from pipeline.contracts.mail_events import Outcome
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

MAILS = Statements.of("config_api.mails")


MailId = Annotated[str, BeforeValidator(lambda value: value.hex if hasattr(value, "hex") else value)]


class MailFilter(PeriodFilter):
    """Which mails. The period is that of their storing."""

    mailbox_id: Maybe[Text] = None
    outcome: Maybe[Outcome] = None
    skipped: Maybe[bool] = Field(None, description="Whether a format that is switched off kept them from being read.")
    reason: Maybe[Text] = Field(None, description="A reason code.")
    run_id: Maybe[Text] = Field(None, description="The fetch run that brought them.")
    q: Maybe[Text] = Field(None, description="A text in the subject, the sender or the Message-ID.")


class MailSort(StrEnum):
    """What a list of emails is sorted by; "-" for falling."""

    STORED = "stored_at"
    STORED_FALLING = "-stored_at"
    SIZE = "size"
    SIZE_FALLING = "-size"


class MailQuery(PageQuery, MailFilter):
    """Emails of the ledger."""

    sort: MailSort = MailSort.STORED_FALLING


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
    reporter: str | None = Field(None, description="Who sent the first report in it.")
    domain: str | None = Field(None, description="The domain that it is about.")
    begin: datetime | None = Field(None, description="Where its period begins.")
    end: datetime | None = None
    reports: int = Field(0, description="How many reports were stored from it, or are repeated by it.")


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


ORDERS: dict[str, tuple[Key, ...]] = {
    "stored_at": (Key("stored_at", "moment", "stored_at"), Key("mail_id", "uuid", "mail_id")),
    "size": (Key("size", "number", "size"), Key("mail_id", "uuid", "mail_id")),
}


async def find(
    database: Database,
    wanted: MailFilter,
    *,
    sort: MailSort = MailSort.STORED_FALLING,
    limit: int,
    cursor: str | None,
) -> Page[MailSummary]:
    """Emails, sorted. Raises Invalid for a cursor of another list."""
    order = Order.of(sort, ORDERS)
    place = order.place(cursor)
    values = [*_values(wanted), *parameters(place), limit + 1]
    template = MAILS["mails"].replace("{filter}", MAILS["mail_filter"])
    statement = order.statement(template, place, first_parameter=9).replace("{limit}", f"${len(values)}")
    async with database.connection() as connection:
        rows = await connection.fetch(statement, *values)
    return page_at(place, [MailSummary.model_validate(dict(row)) for row in rows], limit, order.mark)


async def count(database: Database, wanted: MailFilter) -> int:
    """How many emails there are, counted up to one more than MAX_COUNTED."""
    statement = MAILS["count_mails"].replace("{filter}", MAILS["mail_filter"])
    async with database.connection() as connection:
        return int(await connection.fetchval(statement, *_values(wanted), MAX_COUNTED + 1))


def _values(wanted: MailFilter) -> tuple[Any, ...]:
    return (
        wanted.mailbox_id,
        wanted.outcome.value if wanted.outcome else None,
        wanted.reason,
        wanted.run_id,
        wanted.since,
        wanted.until,
        wanted.q,
        wanted.skipped,
    )


async def trace(database: Database, mail_id: str) -> MailTrace:
    """One mail's way. Raises NotFound; a mail that is still on its way is in no ledger yet."""
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
