"""The figures of a digest, read in one snapshot."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from notifier.digest.period import Period
from notifier.store import SQL as OTHERS
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements
from pipeline.sources.catalogue import service_name

SQL = Statements.of("notifier.digest")
NEW_DAYS = 28  # an address that sent nothing for so long is new


class DomainFigures(BaseModel):
    """A domain's sums, and those of the period before."""

    model_config = ConfigDict(frozen=True)

    domain: str
    reports: int
    messages: int
    passed: int
    blocked: int
    messages_before: int
    passed_before: int
    reports_before: int


class SourceFigures(BaseModel):
    """An address with failing messages, and whose it is: "" where nobody knows."""

    model_config = ConfigDict(frozen=True)

    domain: str
    address: str
    name: str = ""
    messages: int
    failed: int
    is_new: bool


class ReporterFigures(BaseModel):
    """Who reported."""

    model_config = ConfigDict(frozen=True)

    name: str
    reports: int
    messages: int


class MailboxFigures(BaseModel):
    """A mailbox's health at the time of the digest; `category` is "ok" or the kind of its last fault."""

    model_config = ConfigDict(frozen=True)

    name: str
    enabled: bool
    category: str
    good_at: datetime | None


class AlertFigures(BaseModel):
    """What needs attention, or did."""

    model_config = ConfigDict(frozen=True)

    title: str
    detail: str
    link: str
    urgency: str
    opened_at: datetime
    resolved_at: datetime | None


class Figures(BaseModel):
    """All of a digest. `domains_wanted` is empty for all."""

    model_config = ConfigDict(frozen=True)

    first: date
    last: date
    rhythm: str
    domains_wanted: tuple[str, ...]
    domains: tuple[DomainFigures, ...]
    sources: tuple[SourceFigures, ...]
    reporters: tuple[ReporterFigures, ...]
    reporter_count: int
    mailboxes: tuple[MailboxFigures, ...]
    outcomes: dict[str, int]
    alerts: tuple[AlertFigures, ...]

    @property
    def totals(self) -> DomainFigures:
        """The sums of all domains."""
        names = [name for name in DomainFigures.model_fields if name != "domain"]
        return DomainFigures(domain="", **{n: sum(getattr(domain, n) for domain in self.domains) for n in names})

    @property
    def is_quiet(self) -> bool:
        """Whether no report came in at all."""
        return self.totals.reports == 0

    @property
    def open_alerts(self) -> int:
        """How many alerts still hold."""
        return sum(alert.resolved_at is None for alert in self.alerts)


async def figures(connection: Connection, period: Period, domains: tuple[str, ...]) -> Figures:
    """Reads them."""
    wanted = list(domains) or None
    first, last, before = period.first, period.last, period.before
    since, until = _midnight(first), _midnight(last + timedelta(days=1))
    new_since = first - timedelta(days=NEW_DAYS)
    outcomes = await connection.fetch(SQL["outcomes"], since, until)

    async def rows(statement: str, *arguments: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(SQL[statement], *arguments)]

    return Figures.model_validate(
        {
            "first": first,
            "last": last,
            "rhythm": period.rhythm.value,
            "domains_wanted": domains,
            "domains": await rows("domains", first, last, before.first, before.last, wanted),
            "sources": [
                {**row, "name": service_name(row["service"]) or row["place"]}
                for row in await rows("sources", first, last, new_since, wanted)
            ],
            "reporters": await rows("reporters", first, last),
            "reporter_count": await connection.fetchval(SQL["reporter_count"], first, last),
            "mailboxes": [dict(row) for row in await connection.fetch(OTHERS["mailboxes"])],
            "outcomes": {row["outcome"]: row["mails"] for row in outcomes},
            "alerts": await rows("alerts", since, wanted),
        }
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
