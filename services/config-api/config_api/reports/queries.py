"""Reports: found by many sides, one in full, its rows."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field, JsonValue

from config_api.errors import not_found
from config_api.mails.queries import MailId
from config_api.reports.search import ReportFilter, narrow
from config_api.web.absence import Maybe
from config_api.web.paging import MAX_BIGINT, MAX_COUNTED, Page, PageQuery, page_at
from config_api.web.shapes import Format, Row
from config_api.web.sorting import Key, Order, parameters
from pipeline.contracts.report import ReportKind, TlsFailure, TlsPolicy
from pipeline.postgres.connection import Database, Record
from pipeline.postgres.statements import Statements

REPORTS = Statements.of("config_api.reports")

NOUN = "report"


class Sort(StrEnum):
    """What a list of reports is sorted by; "-" for falling."""

    BEGIN = "begin"
    BEGIN_FALLING = "-begin"
    STORED = "stored_at"
    STORED_FALLING = "-stored_at"
    MESSAGES = "messages"
    MESSAGES_FALLING = "-messages"
    FAILED = "failed"
    FAILED_FALLING = "-failed"
    DOMAIN = "domain"
    DOMAIN_FALLING = "-domain"
    REPORTER = "org_name"
    REPORTER_FALLING = "-org_name"


class ReportQuery(PageQuery, ReportFilter):
    """Reports. With `format` all that match come as one file, whatever the limit."""

    sort: Sort = Sort.BEGIN_FALLING
    format: Maybe[Format] = None


class ReportSummary(Row):
    """The header of a report. `messages` counts messages; sessions for a TLS report. `policy` is the requested one."""

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
    failed: int = 0
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


_ID = Key("id", "number", "id")
_BEGIN = Key("begin", "moment", "begin")
ORDERS: dict[str, tuple[Key, ...]] = {
    "begin": (_BEGIN, _ID),
    "stored_at": (Key("stored_at", "moment", "stored_at"), _ID),
    "messages": (Key("message_count", "number", "messages"), _ID),
    "failed": (Key("(message_count - passed)", "number", "failed"), _ID),
    "domain": (Key("domain", "text", "domain"), _BEGIN, _ID),
    "org_name": (Key("left(org_name, 60)", "text", "org_mark"), _BEGIN, _ID),
}


class _Listed(ReportSummary):
    """A summary with what the list is sorted by."""

    org_mark: str = Field(exclude=True)


async def find(
    database: Database, wanted: ReportFilter, *, sort: Sort = Sort.BEGIN_FALLING, limit: int, cursor: str | None
) -> Page[ReportSummary]:
    """Reports, sorted. Raises Invalid for a cursor of another list."""
    order = Order.of(sort, ORDERS)
    place = order.place(cursor)
    async with database.connection() as connection:
        narrowed = await narrow(connection, wanted)
        if narrowed is None:
            return Page(items=[])
        first = len(narrowed.values) + 1
        template = REPORTS["reports"].replace("{filter}", narrowed.sql)
        values = [*narrowed.values, *parameters(place), limit + 1]
        statement = order.statement(template, place, first_parameter=first).replace("{limit}", f"${len(values)}")
        rows = await connection.fetch(statement, *values)
    page = page_at(place, [_Listed.model_validate(dict(row)) for row in rows], limit, order.mark)
    return Page[ReportSummary].model_validate(page.model_dump())


async def count(database: Database, wanted: ReportFilter) -> int:
    """How many reports there are, counted up to one more than MAX_COUNTED."""
    async with database.connection() as connection:
        narrowed = await narrow(connection, wanted)
        if narrowed is None:
            return 0
        statement = REPORTS["count_reports"].replace("{filter}", narrowed.sql)
        statement = statement.replace("{limit}", f"${len(narrowed.values) + 1}")
        return int(await connection.fetchval(statement, *narrowed.values, MAX_COUNTED + 1))


async def get(database: Database, report_id: int) -> ReportDetail:
    """One report. Raises NotFound."""
    async with database.connection() as connection:
        row = await connection.fetchrow(REPORTS["report"], known_number(report_id))
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


def known_number(report_id: int) -> int:
    """The number, if any report may have it. Raises NotFound."""
    if not 0 <= report_id <= MAX_BIGINT:
        raise not_found(NOUN)
    return report_id


def _tls_policy(policy: Record, failures: list[Record]) -> TlsPolicy:
    own = [TlsFailure.model_validate(dict(each)) for each in failures if each["policy"] == policy["position"]]
    return TlsPolicy.model_validate({**dict(policy), "failures": own})
