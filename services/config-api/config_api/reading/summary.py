"""The overview: messages and how many passed, over time, by domain, by source and by reporter, for a period."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Self

from pydantic import Field, model_validator

from config_api.absence import Maybe
from config_api.reading.shapes import Count, Day, Filter, Row, Text
from config_api.reading.sql import SUMMARY
from config_api.recent import Recent
from pipeline.adapters.postgres import Connection, Database, Record

DEFAULT_DAYS = 30
MAX_DAYS = 3660
TOP = 20
ROOM = "SET LOCAL work_mem = '64MB'"  # a month may have some 100,000 addresses, whose sums fit then


class SummaryFilter(Filter):
    """The period in whole days (UTC), both included; the last 30 days when left out."""

    since: Maybe[Day] = Field(None, description="First day.")
    until: Maybe[Day] = Field(None, description="Last day; today when left out.")
    domain: Maybe[Text] = Field(None, description="One policy domain.")
    mailbox_id: Maybe[Text] = None

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        first, last = self.days
        if not first <= last or (last - first).days >= MAX_DAYS:
            raise ValueError(f"since must not be after until, and at most {MAX_DAYS} days before it")
        return self

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day."""
        last = self.until or max(datetime.now(UTC).date(), self.since or date.min)
        return self.since or last - timedelta(days=DEFAULT_DAYS - 1), last


class Totals(Row):
    """Sums over a period. Messages are those of aggregate reports; mails are those fetched."""

    reports: Count = 0
    messages: Count = 0
    passed: Count = 0
    quarantined: Count = 0
    rejected: Count = 0
    mails: Count = 0
    mails_failed: Count = 0


class DayPoint(Row):
    """One day; a day without a report is not in the list."""

    day: date
    reports: Count
    messages: Count
    passed: Count
    quarantined: Count
    rejected: Count


class DomainTotal(Row):
    """One policy domain. `policy` is the one last published."""

    domain: str
    reports: Count
    messages: Count
    passed: Count
    quarantined: Count
    rejected: Count
    policy: str | None
    last_end: datetime


class SourceTotal(Row):
    """One sending address."""

    source_ip: str | None
    messages: Count
    passed: Count
    domains: int
    header_from: str | None


class ReporterTotal(Row):
    """One organisation that sends reports."""

    org_name: str
    reports: Count
    messages: Count
    passed: Count
    last_end: datetime


class Summary(Row):
    """A period, with the totals of the one before it, which is as long."""

    since: date
    until: date
    totals: Totals
    previous: Totals
    days: list[DayPoint]
    domains: list[DomainTotal]
    sources: list[SourceTotal]
    reporters: list[ReporterTotal]


async def summary(database: Database, wanted: SummaryFilter, *, recent: Recent) -> Summary:
    """The overview of a period. The sources, of which there may be very many, may be some seconds old."""
    first, last = wanted.days
    length = last - first + timedelta(days=1)
    narrowed = (wanted.domain, wanted.mailbox_id)
    sources = await recent.answer((first, last, *narrowed), partial(_sources, database, first, last, narrowed))
    async with database.connection() as connection:

        async def rows(name: str, *values: Any) -> list[dict[str, Any]]:
            found: list[Record] = await connection.fetch(SUMMARY[name], first, last, *values)
            return [dict(row) for row in found]

        return Summary.model_validate(
            {
                "since": first,
                "until": last,
                "totals": await _totals(connection, first, last, narrowed),
                "previous": await _totals(connection, first - length, first - timedelta(days=1), narrowed),
                "days": await rows("days", *narrowed),
                "domains": await rows("domains", *narrowed, TOP),
                "sources": sources,
                "reporters": await (
                    rows("reporters_of_domain", *narrowed, TOP)
                    if wanted.domain
                    else rows("reporters", wanted.mailbox_id, TOP)
                ),
            }
        )


async def _sources(
    database: Database, first: date, last: date, narrowed: tuple[str | None, str | None]
) -> list[dict[str, Any]]:
    async with database.transaction() as connection:
        await connection.execute(ROOM)
        return [dict(row) for row in await connection.fetch(SUMMARY["sources"], first, last, *narrowed, TOP)]


async def _totals(
    connection: Connection, first: date, last: date, narrowed: tuple[str | None, str | None]
) -> dict[str, Any]:
    reports = await connection.fetchrow(SUMMARY["totals"], first, last, *narrowed)
    mails = await connection.fetchrow(SUMMARY["mails"], first, last, narrowed[1])
    return {**dict(reports or {}), **dict(mails or {})}
