"""Reports: found by many sides, one in full, its rows."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field, JsonValue

from config_api.mails.queries import MailId
from config_api.web.absence import Maybe
from config_api.web.paging import MAX_BIGINT, Page, moment_number_mark, number_mark, numbers_mark, page_of
from config_api.web.problem import not_found
from config_api.web.shapes import Filter, PeriodFilter, Row, Text
from pipeline.contracts.report import ReportKind, TlsFailure, TlsPolicy
from pipeline.postgres.connection import Database, Record
from pipeline.postgres.statements import Statements

REPORTS = Statements.of("config_api.reports")

NOUN = "report"


class ReportFilter(PeriodFilter):
    """Which reports. The period is that of their beginning."""

    kind: Maybe[ReportKind] = None
    domain: Maybe[Text] = Field(None, description="The policy domain.")
    org_name: Maybe[Text] = Field(None, description="Who sent the report.")
    mailbox_id: Maybe[Text] = None
    repaired: Maybe[bool] = Field(None, description="Whether something had to be mended to read it.")
    variant: Maybe[bool] = Field(None, description="Whether another report of the same identity came before.")
    q: Maybe[Text] = Field(None, description="A text in the sender, the report id or the domain.")


class Sort(StrEnum):
    """What a list of reports is sorted by; "-" for falling."""

    BEGIN = "begin"
    BEGIN_FALLING = "-begin"
    STORED = "stored_at"
    STORED_FALLING = "-stored_at"
    MESSAGES = "messages"
    MESSAGES_FALLING = "-messages"

    @property
    def field(self) -> str:
        """The field of a summary."""
        return self.value.lstrip("-")

    @property
    def is_falling(self) -> bool:
        """The largest first."""
        return self.value.startswith("-")


class RecordFilter(Filter):
    """Which rows of a report."""

    disposition: Maybe[Text] = None
    dkim: Maybe[Text] = Field(None, description="The aligned result: pass or fail.")
    spf: Maybe[Text] = Field(None, description="The aligned result: pass or fail.")
    failing: Maybe[bool] = Field(None, description="Whether neither DKIM nor SPF passed.")
    q: Maybe[Text] = Field(None, description="A text in the address or in a domain.")


class ReportSummary(Row):
    """The header of a report. `messages` counts mails; sessions for a TLS report. `policy` is the requested one."""

    id: int
    kind: ReportKind
    mail_id: MailId
    mailbox_id: str
    org_name: str
    report_id: str
    domain: str
    begin: datetime
    end: datetime
    variant: bool
    records: int
    messages: int
    passed: int
    quarantined: int
    rejected: int
    policy: str | None = None
    repairs: list[str]
    stored_at: datetime


class PublishedPolicy(Row):
    """The policy as the reporter saw it in the DNS."""

    p: str | None
    sp: str | None
    np: str | None
    adkim: str | None
    aspf: str | None
    pct: int | None
    fo: str | None
    testing: str | None
    discovery_method: str | None


class ReportDetail(ReportSummary):
    """A report, whole but for the rows of an aggregate report."""

    fingerprint: str
    has_document: bool = Field(description="Whether the file as received is still kept.")
    email: str | None
    extra_contact_info: str | None
    generator: str | None
    version: str | None
    namespace: str | None
    errors: list[str]
    published_policy: PublishedPolicy
    raw: dict[str, JsonValue]
    extensions: list[str]
    parser_version: str
    tls_policies: tuple[TlsPolicy, ...] = ()
    failure: dict[str, JsonValue] | None = None


class RecordRow(Row):
    """One row of an aggregate report. `dkim` and `spf` are the aligned results."""

    position: int
    source_ip: str | None
    count: int
    disposition: str | None
    dkim: str | None
    spf: str | None
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    reasons: list[dict[str, JsonValue]] | None
    dkim_results: list[dict[str, JsonValue]] | None
    spf_results: list[dict[str, JsonValue]] | None
    raw: dict[str, JsonValue] | None


_COLUMNS = {"begin": "begin", "stored_at": "stored_at", "messages": "message_count"}
_TYPES = {"begin": "timestamptz", "stored_at": "timestamptz", "messages": "bigint"}


async def find(
    database: Database, wanted: ReportFilter, *, sort: Sort = Sort.BEGIN_FALLING, limit: int, cursor: str | None
) -> Page[ReportSummary]:
    """Reports, sorted."""
    mark = numbers_mark(cursor) if sort.field == "messages" else moment_number_mark(cursor)
    values = (
        wanted.kind.value if wanted.kind else None,
        wanted.domain,
        wanted.org_name,
        wanted.mailbox_id,
        wanted.since,
        wanted.until,
        wanted.repaired,
        wanted.variant,
        wanted.q,
        *(mark or (None, None)),
        limit + 1,
    )
    async with database.connection() as connection:
        rows = await connection.fetch(_sorted(sort), *values)
    found = [ReportSummary.model_validate(dict(row)) for row in rows]
    return page_of(found, limit, lambda report: (getattr(report, sort.field), report.id))


async def get(database: Database, report_id: int) -> ReportDetail:
    """One report. Raises Problem 404."""
    async with database.connection() as connection:
        row = await connection.fetchrow(REPORTS["report"], _known_number(report_id))
        if row is None:
            raise not_found(NOUN)
        policies = await connection.fetch(REPORTS["tls_policies"], row["id"])
        failures = await connection.fetch(REPORTS["tls_failures"], row["id"])
        failure = await connection.fetchrow(REPORTS["failure"], row["id"])
    return ReportDetail.model_validate(
        {
            **dict(row),
            "policy": row["p"],
            "published_policy": dict(row),
            "tls_policies": [_tls_policy(policy, failures) for policy in policies],
            "failure": {name: value for name, value in failure.items() if name != "report"} if failure else None,
        }
    )


async def records(
    database: Database, report_id: int, wanted: RecordFilter, *, limit: int, cursor: str | None
) -> Page[RecordRow]:
    """Rows of a report, in its own order. Raises Problem 404."""
    async with database.connection() as connection:
        begin = await connection.fetchval(REPORTS["begin_of"], _known_number(report_id))
        if begin is None:
            raise not_found(NOUN)
        values = (wanted.disposition, wanted.dkim, wanted.spf, wanted.failing, wanted.q, number_mark(cursor), limit + 1)
        rows = await connection.fetch(REPORTS["records"], report_id, begin, *values)
    return page_of([RecordRow.model_validate(dict(row)) for row in rows], limit, lambda row: (row.position,))


def _known_number(report_id: int) -> int:
    if not 0 <= report_id <= MAX_BIGINT:
        raise not_found(NOUN)
    return report_id


def _sorted(sort: Sort) -> str:
    column, kind = _COLUMNS[sort.field], _TYPES[sort.field]
    direction, sign = ("DESC", "<") if sort.is_falling else ("ASC", ">")
    after = f"$10::{kind} IS NULL OR ({column}, id) {sign} ($10::{kind}, $11::bigint)"
    statement = REPORTS["reports"].replace("{after}", after)
    return statement.replace("{order}", f"{column} {direction}, id {direction}")


def _tls_policy(policy: Record, failures: list[Record]) -> TlsPolicy:
    own = [TlsFailure.model_validate(dict(each)) for each in failures if each["policy"] == policy["position"]]
    return TlsPolicy.model_validate({**dict(policy), "failures": own})
