"""The overview: messages and how many passed, over time, by domain, by source and by reporter, for a period."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Self

from pydantic import Field, model_validator

from config_api.backend.recent import Recent
from config_api.overview.sources import SourceTotal, top_sources
from config_api.web.absence import Maybe
from config_api.web.period import MAX_DAYS, Span
from config_api.web.shapes import Count, Day, Filter, Row, Text
from pipeline.postgres.connection import Connection, Database, Record
from pipeline.postgres.statements import Statements

SUMMARY = Statements.of("config_api.overview", "summary.sql")

DEFAULT_DAYS = 30
TOP = 20
SUMS = ("reports", "messages", "passed", "quarantined", "rejected")  # of a day, and so of all


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


class ReporterTotal(Row):
    """One organisation that sends reports."""

    org_name: str
    reports: Count
    messages: Count
    passed: Count
    last_end: datetime


class PeriodSums(Row):
    """A period, with the totals of the one before it, which is as long."""

    since: date
    until: date
    totals: Totals
    previous: Totals
    days: list[DayPoint]
    domains: list[DomainTotal]
    reporters: list[ReporterTotal]


class Summary(PeriodSums):
    """The sums of a period, with who sent the messages."""

    sources: list[SourceTotal]


async def summary(database: Database, wanted: SummaryFilter, *, recent: Recent) -> Summary:
    """The overview of a period, whole."""
    sums, found = await asyncio.gather(period_sums(database, wanted), sources(database, wanted, recent=recent))
    return Summary(**dict(sums), sources=found)


async def period_sums(database: Database, wanted: SummaryFilter) -> PeriodSums:
    """The overview of a period but for its sources, which take longer than all the rest."""
    first, last = wanted.days
    length = last - first + timedelta(days=1)
    narrowed = (wanted.domain, wanted.mailbox_id)
    async with database.connection() as connection:

        async def rows(name: str, *values: Any) -> list[dict[str, Any]]:
            found: list[Record] = await connection.fetch(SUMMARY[name], first, last, *values)
            return [dict(row) for row in found]

        days = await rows("days", *narrowed)
        before = (first - length, first - timedelta(days=1))
        return PeriodSums.model_validate(
            {
                "since": first,
                "until": last,
                "totals": {
                    **{name: sum(day[name] for day in days) for name in SUMS},
                    **await _mails(connection, first, last, wanted.mailbox_id),
                },
                "previous": {
                    **dict(await connection.fetchrow(SUMMARY["totals"], *before, *narrowed) or {}),
                    **await _mails(connection, *before, wanted.mailbox_id),
                },
                "days": days,
                "domains": await rows("domains", *narrowed, TOP),
                "reporters": await (
                    rows("reporters_of_domain", *narrowed, TOP)
                    if wanted.domain
                    else rows("reporters", wanted.mailbox_id, TOP)
                ),
            }
        )


async def span(database: Database, domain: str | None) -> Span | None:
    """The days that there are reports of, of a domain or of all; None without any."""
    async with database.connection() as connection:
        row = await connection.fetchrow(SUMMARY["span"], domain)
    return Span(row["first"], row["last"]) if row and row["first"] else None


async def sources(database: Database, wanted: SummaryFilter, *, recent: Recent) -> list[SourceTotal]:
    """Those who sent most in a period. Where there are very many, the answer may be some seconds old."""
    return await recent.answer(_key(wanted), _asked(database, wanted))


async def sources_soon(database: Database, wanted: SummaryFilter, *, recent: Recent) -> list[SourceTotal] | None:
    """The same, but None where it takes long; who asks again a little later waits less."""
    return await recent.answer_soon(_key(wanted), _asked(database, wanted))


def _key(wanted: SummaryFilter) -> Hashable:
    return (*wanted.days, wanted.domain, wanted.mailbox_id)


def _asked(database: Database, wanted: SummaryFilter) -> Callable[[], Awaitable[list[SourceTotal]]]:
    first, last = wanted.days
    return partial(top_sources, database, first, last, domain=wanted.domain, mailbox_id=wanted.mailbox_id, top=TOP)


async def _mails(connection: Connection, first: date, last: date, mailbox_id: str | None) -> dict[str, Any]:
    return dict(await connection.fetchrow(SUMMARY["mails"], first, last, mailbox_id) or {})
