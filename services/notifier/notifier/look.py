"""Reading the facts: from the views of PostgreSQL and from the broker."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog

from notifier import facts
from notifier.facts import (
    Change,
    DnsPolicy,
    DomainDay,
    Facts,
    Failures,
    MailboxState,
    PolicySeen,
    ReporterDays,
    Source,
    Store,
    TlsSessions,
)
from notifier.findings import clean
from notifier.store import SQL
from pipeline.contracts.topology import BLOB_NEW_SHARE, BLOB_STREAM, STREAMS
from pipeline.dns.published import PolicyTags
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.lag import blob_store, holding
from pipeline.postgres.connection import Connection, Database, Record
from pipeline.sources.catalogue import service_name

log = structlog.get_logger(__name__)

T = TypeVar("T")
DAY = timedelta(days=1)
WEEK_DAYS = 7
SLOW = 300.0  # seconds for a statement that goes through the rows of many reports
POLICY_DAYS = 7
DNS_DAYS = 3  # what DNS said longer ago than that may no longer be so


async def present(database: Database, bus: Bus, now: datetime) -> Facts:
    """How mailboxes, mails, stores and settings are: cheap to read. Raises TryLater while PostgreSQL is away."""
    async with database.connection() as connection:
        mailboxes = await _all(connection, MailboxState, "mailboxes")
        names = {mailbox.id: mailbox.name for mailbox in mailboxes}
        return Facts(
            now=now,
            mailboxes=mailboxes,
            mailbox_names=names,
            refused_actions=await _all(connection, Failures, "refused_actions", now - DAY),
            failed_mails=await _all(connection, Failures, "failed_mails", now - DAY),
            changes=await _all(connection, Change, "changes", now - DAY),
            stores=await _stores(bus),
        )


async def reported(database: Database, now: datetime) -> Facts:
    """What the reports of the last weeks say: slow, where there are many. Raises TryLater."""
    today = now.date()
    since, week = today - facts.DAYS * DAY, today - WEEK_DAYS * DAY
    late = today - facts.LATE_DAYS * DAY
    async with database.transaction() as connection:
        await connection.execute(f"SET LOCAL statement_timeout = '{SLOW:.0f}s'")
        sources = await _all(connection, Source, "sources", since, week, late)
        signatures = await _all(connection, Source, "signatures", _midnight(today - 9 * DAY), _midnight(late + DAY))
        return Facts(
            now=now,
            domain_days=await _all(connection, DomainDay, "domain_days", since),
            sources=(*sources, *signatures),
            policies=await _all(connection, PolicySeen, "policies", _midnight(today - POLICY_DAYS * DAY)),
            dns=await _all(connection, DnsPolicy, "dns", now - DNS_DAYS * DAY),
            reporters=await _all(connection, ReporterDays, "reporters", since),
            tls=await _all(connection, TlsSessions, "tls", _midnight(late)),
        )


async def _stores(bus: Bus) -> tuple[Store, ...] | None:
    """Those streams that somebody waits for when they are full; None while the broker is away."""
    try:
        return await _fullness(bus)
    except TryLater as error:
        log.info("stores_not_looked_at", detail=error.detail[:200])
        return None


async def _fullness(bus: Bus) -> tuple[Store, ...]:
    streams = [Store(s.name, (await holding(bus.js, s)).fullness) for s in STREAMS if s.refuse_when_full]
    return (*streams, Store(BLOB_STREAM, (await blob_store(bus.js)).fullness, BLOB_NEW_SHARE))


async def _all(connection: Connection, kind: type[T], statement: str, *arguments: object) -> tuple[T, ...]:
    rows = await connection.fetch(SQL[statement], *arguments, timeout=SLOW)
    return tuple(_made(kind, row) for row in rows)


def _made(kind: type[T], row: Record) -> T:
    given: dict[str, Any] = dict(row)
    if kind is Source:  # a row of signatures says nothing of what passed
        given = {**dict.fromkeys(("week", "week_passed", "before_passed"), 0), **given}
        given.setdefault("late_passed", given["late"])
        given["name"] = service_name(given["service"]) or clean(given.pop("place"))
    if kind is PolicySeen:
        given["tags"] = PolicyTags(**{field.name: given[field.name] for field in fields(PolicyTags)})
    if kind is DnsPolicy:
        given["texts"] = tuple(given["texts"])
    wanted = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in given.items() if name in wanted})


def _midnight(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
