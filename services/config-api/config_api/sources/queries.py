"""Sources from the tables: lists, one in full, groups, changes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from config_api.sources.shapes import (
    ChangeFilter,
    ChangeRow,
    GroupRow,
    IdentityRow,
    Judged,
    Period,
    SourceDay,
    SourceDetail,
    SourceFilter,
    SourceRecord,
    SourceRow,
    SourceSort,
    StandingRow,
    valid_address,
)
from config_api.sources.sql import SQL
from config_api.web.paging import Page, mixed_mark, page_of
from config_api.web.problem import not_found
from pipeline.postgres.connection import Connection, Database, Record
from pipeline.sources.catalogue import Catalogue
from pipeline.sources.facts import facts_of
from pipeline.sources.judge import Verdict, judge

# One plan for what is asked: a plan for any filter would read everything. Nobody waits longer.
TERMS = (
    "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = '30s'; SET LOCAL work_mem = '64MB'"
)
MOST_DOMAINS = 100
MOST_IDENTITIES = 500
MOST_GROUPS = 1000
MOST_RECORDS = 200
HISTORY_DAYS = 90
_KEYS = {  # two numbers, rising, and the fields of a row that they are
    SourceSort.ATTENTION: "known.severity, (-known.failed)",
    SourceSort.MESSAGES: "(-known.messages), (-known.failed)",
    SourceSort.FAILED: "(-known.failed), (-known.messages)",
    SourceSort.LAST_DAY: "(date '2000-01-01' - known.last_day), (-known.failed)",
}
GROUPS = {"service": "source.service", "network": "source.asn", "country": "source.country"}


def known_address(text: str) -> str:
    """The address in its canonical form. Raises Problem 404 for what is none."""
    try:
        return valid_address(text)
    except ValueError:
        raise not_found("source") from None


async def find(
    database: Database,
    catalogue: Catalogue,
    wanted: SourceFilter,
    *,
    sort: SourceSort = SourceSort.ATTENTION,
    limit: int,
    cursor: str | None,
) -> Page[SourceRow]:
    """Sources, sorted. Raises Problem 422 for a cursor that is none."""
    mark = mixed_mark(cursor, numbers=2, addresses=1, texts=1) or (None, None, None, None)
    statement = _statement("sources", wanted, order=_KEYS[sort])
    values = [*_values(wanted), *mark, limit + 1]
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        rows = await connection.fetch(statement, *values)
    page = page_of(rows, limit, lambda row: (*_key(row, sort), row["mark"], row["domain"]))
    return Page(items=[_source_row(row, catalogue) for row in page.items], next_cursor=page.next_cursor)


async def get(database: Database, catalogue: Catalogue, address: str, period: Period) -> SourceDetail:
    """One address. Raises Problem 404 where it never sent."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        names = await connection.fetchrow(SQL["address"], address)
        if names is None:
            raise not_found("source")
        first, last = _days(period, until=names["last_day"])
        return SourceDetail.model_validate(
            {
                **dict(names),
                **_service_names(names["service"], catalogue),
                "domains": await _judged(connection, catalogue, address),
                "identities": _all(IdentityRow, await connection.fetch(SQL["identities"], address, MOST_IDENTITIES)),
                "days": _all(SourceDay, await connection.fetch(SQL["history"], address, first, last, None)),
                "standings": await _standings(connection, address, names["service"]),
            }
        )


async def records(database: Database, address: str, wanted: Period, *, domain: str | None) -> list[SourceRecord]:
    """The latest rows of reports that name an address; 200 at most."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        names = await connection.fetchrow(SQL["address"], address)
        if names is None:
            raise not_found("source")
        first, last = _days(wanted, until=names["last_day"])
        return _all(SourceRecord, await connection.fetch(SQL["records"], address, domain, MOST_RECORDS, first, last))


async def groups(database: Database, catalogue: Catalogue, wanted: SourceFilter, *, by: str) -> list[GroupRow]:
    """Sources by service, network or country."""
    statement = _statement("groups", wanted, group=GROUPS[by])
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        rows = await connection.fetch(statement, *_values(wanted), MOST_GROUPS)
    return [_group_row(row, catalogue, by=by) for row in rows]


async def changes(
    database: Database, catalogue: Catalogue, wanted: ChangeFilter, *, limit: int, cursor: str | None
) -> Page[ChangeRow]:
    """Sources that are other than before, the latest change first."""
    mark = mixed_mark(cursor, moments=1, addresses=1, texts=1) or (None, None, None)
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        rows = await connection.fetch(SQL["changes"], wanted.since, wanted.domain, wanted.change, *mark, limit + 1)
    page = page_of(rows, limit, lambda row: (row["changed_at"], row["mark"], row["domain"]))
    items = [ChangeRow.model_validate({**dict(row), **_service_names(row["service"], catalogue)}) for row in page.items]
    return Page(items=items, next_cursor=page.next_cursor)


def _statement(name: str, wanted: SourceFilter, **parts: str) -> str:
    """The statement with its parts; sums of days that are asked for are added up then, others are kept."""
    parts |= {part: SQL[part] for part in ("found", "matching")}
    parts["relation"] = SQL["window" if wanted.since is None else "period"]
    statement = SQL[name]
    for part, text in parts.items():
        statement = statement.replace(f"{{{part}}}", text)
    return statement


def _values(wanted: SourceFilter) -> list[Any]:
    return [
        wanted.domain,
        wanted.service,
        None if wanted.verdict is None else wanted.verdict.severity,
        wanted.standing,
        wanted.result,
        wanted.change,
        wanted.asn,
        wanted.q,
        wanted.since,
        wanted.until,
    ]


async def _judged(connection: Connection, catalogue: Catalogue, address: str) -> list[Judged]:
    found = []
    for row in await connection.fetch(SQL["facts"], address, MOST_DOMAINS):
        facts = facts_of(dict(row), catalogue)
        judgement = judge(facts)
        found.append(
            Judged(
                domain=facts.domain,
                verdict=judgement.verdict,
                standing=facts.standing,
                changes=list(judgement.changes),
                evidence=list(judgement.evidence),
                advice=judgement.advice,
                link=judgement.link,
                messages=facts.now.messages,
                passed=facts.now.passed,
                failed=facts.now.failed,
            )
        )
    return found


async def _standings(connection: Connection, address: str, service: str | None) -> list[StandingRow]:
    found = await connection.fetch(SQL["standings"], "address", address)
    if service is not None:
        found += await connection.fetch(SQL["standings"], "service", service)
    return _all(StandingRow, found)


def _all(shape: Any, rows: Sequence[Record]) -> list[Any]:
    return [shape.model_validate(dict(row)) for row in rows]


def _key(row: Record, sort: SourceSort) -> tuple[int, int]:
    if sort is SourceSort.ATTENTION:
        return row["severity"], -row["failed"]
    if sort is SourceSort.LAST_DAY:
        return (date(2000, 1, 1) - row["last_day"]).days, -row["failed"]
    messages, failed = -row["messages"], -row["failed"]
    return (messages, failed) if sort is SourceSort.MESSAGES else (failed, messages)


def _source_row(row: Record, catalogue: Catalogue) -> SourceRow:
    return SourceRow.model_validate({**dict(row), **_service_names(row["service"], catalogue)})


def _group_row(row: Record, catalogue: Catalogue, *, by: str) -> GroupRow:
    service = catalogue.services.get(row["key"]) if by == "service" else None
    named = {"service": service.name if service else row["key"], "network": row["organisation"], "country": row["key"]}
    return GroupRow.model_validate(
        {
            **dict(row),
            "name": named[by] or "",
            "kind": service.kind if service else None,
            "help": service.help if service else None,
            "verdict": list(Verdict)[row["severity"]],
        }
    )


def _service_names(service_id: str | None, catalogue: Catalogue) -> dict[str, Any]:
    service = catalogue.services.get(service_id or "")
    return {"service_name": service.name if service else service_id, "kind": service.kind if service else None}


def history_days(last_day: date) -> tuple[date, date]:
    """The 90 days that end with the last one there was something; none that is still to come."""
    last = min(last_day, datetime.now(UTC).date())
    return last - timedelta(days=HISTORY_DAYS - 1), last


def _days(period: Period, *, until: date) -> tuple[date, date]:
    if period.since is not None and period.until is not None:
        return period.since, period.until
    return history_days(until)
