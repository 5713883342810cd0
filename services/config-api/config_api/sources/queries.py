"""Sources from the tables: lists, one in full, groups, changes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from config_api.errors import not_found
from config_api.sources.filters import SQL, TERMS, narrow
from config_api.sources.history import days_of
from config_api.sources.shapes import (
    ChangeFilter,
    ChangeRow,
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
from config_api.web.paging import Page, mixed_mark, page_of
from pipeline.postgres.connection import Connection, Database, Record
from pipeline.sources.catalogue import Catalogue
from pipeline.sources.evidence import judge
from pipeline.sources.facts import facts_of

NOUN = "source"

MOST_DOMAINS = 100
MOST_IDENTITIES = 500
MOST_RECORDS = 200
_KEYS = {  # two numbers, rising, and the fields of a row that they are
    SourceSort.ATTENTION: "known.severity, (-known.failed)",
    SourceSort.MESSAGES: "(-known.messages), (-known.failed)",
    SourceSort.FAILED: "(-known.failed), (-known.messages)",
    SourceSort.LAST_DAY: "(date '2000-01-01' - known.last_day), (-known.failed)",
}


def known_address(text: str) -> str:
    """The address in its canonical form. Raises NotFound for what is none."""
    try:
        return valid_address(text)
    except ValueError:
        raise not_found(NOUN) from None


async def find(
    database: Database,
    catalogue: Catalogue,
    wanted: SourceFilter,
    *,
    sort: SourceSort = SourceSort.ATTENTION,
    limit: int,
    cursor: str | None,
) -> Page[SourceRow]:
    """Sources, sorted. Raises Invalid for a cursor that is none."""
    mark = mixed_mark(cursor, numbers=2, addresses=1, texts=1) or (None, None, None, None)
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        narrowed = await narrow(connection, SQL["sources"].replace("{order}", _KEYS[sort]), wanted)
        if narrowed is None:
            return Page(items=[])
        rows = await connection.fetch(narrowed.sql, *narrowed.values, *mark, limit + 1)
    page = page_of(rows, limit, lambda row: (*_key(row, sort), row["mark"], row["domain"]))
    return Page(items=[_source_row(row, catalogue) for row in page.items], next_cursor=page.next_cursor)


async def get(database: Database, catalogue: Catalogue, address: str, period: Period) -> SourceDetail:
    """One address. Raises NotFound where it never sent."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        names = await connection.fetchrow(SQL["address"], address)
        if names is None:
            raise not_found(NOUN)
        first, last = days_of(period, until=names["last_day"])
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
            raise not_found(NOUN)
        first, last = days_of(wanted, until=names["last_day"])
        return _all(SourceRecord, await connection.fetch(SQL["records"], address, domain, MOST_RECORDS, first, last))


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


def _service_names(service_id: str | None, catalogue: Catalogue) -> dict[str, Any]:
    service = catalogue.services.get(service_id or "")
    return {"service_name": service.name if service else service_id, "kind": service.kind if service else None}
