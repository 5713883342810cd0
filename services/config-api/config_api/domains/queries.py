"""Domains from the tables: the list, one in full, whether it is ready."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from config_api.domains.shapes import (
    DomainDay,
    DomainDetail,
    DomainFilter,
    DomainRow,
    NameSeen,
    PolicySeen,
    Reporter,
    TlsDay,
    TlsFailureSums,
    VerdictSums,
)
from config_api.errors import not_found
from config_api.sources.filters import TERMS
from config_api.sources.shapes import Period
from config_api.web.paging import Page, mixed_mark, page_of
from pipeline.postgres.connection import Connection, Database, Record
from pipeline.postgres.statements import Statements

WINDOW_DAYS = 30
HISTORY_DAYS = 90
MOST_REPORTERS = 100
NOUN = "domain"
SQL = Statements.of("config_api.domains")


async def find(database: Database, wanted: DomainFilter, *, limit: int, cursor: str | None) -> Page[DomainRow]:
    """Domains, those with most messages first."""
    mark = mixed_mark(cursor, numbers=1, texts=1) or (None, None)
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        rows = await connection.fetch(SQL["domains"], wanted.q, *mark, limit + 1, None)
        page = page_of(rows, limit, lambda row: (-int(row["messages"]), row["domain"]))
        verdicts = await verdict_sums(connection, [row["domain"] for row in page.items])
    items = [DomainRow.model_validate({**dict(row), "verdicts": verdicts[row["domain"]]}) for row in page.items]
    return Page(items=items, next_cursor=page.next_cursor)


async def get(database: Database, name: str, period: Period, *, days: int = HISTORY_DAYS) -> DomainDetail:
    """One domain; the last `days` that were reported on where no period is asked for. Raises NotFound."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        domain = await known_domain(connection, name)
        last = period.until or domain["last_day"]
        since = period.since or last - timedelta(days=days - 1)
        head = await connection.fetchrow(SQL["domains"], None, None, None, 1, domain["domain"])
        return DomainDetail.model_validate(
            {
                **dict(head or {}),
                **await _lists(connection, domain["domain"], since, last),
                "since": since,
                "until": last,
                "verdicts": (await verdict_sums(connection, [domain["domain"]]))[domain["domain"]],
            }
        )


async def known_domain(connection: Connection, name: str) -> Record:
    """Its name as it is kept, and the days it was reported on. Raises NotFound."""
    domain: Record | None = await connection.fetchrow(SQL["domain"], name.lower().rstrip("."))
    if domain is None:
        raise not_found(NOUN)
    return domain


async def _lists(connection: Connection, domain: str, first: date, last: date) -> dict[str, Any]:
    names = await connection.fetch(SQL["names"], domain, first)
    of_mechanism = {
        mechanism: _all(NameSeen, [row for row in names if row["mechanism"] == mechanism])
        for mechanism in ("from", "dkim")
    }
    return {
        "days": [_day(row) for row in await connection.fetch(SQL["days"], domain, first, last)],
        "policies": _all(PolicySeen, await connection.fetch(SQL["policies"], domain, first, last)),
        "reporters": _all(Reporter, await connection.fetch(SQL["reporters"], domain, first, last, MOST_REPORTERS)),
        "from_domains": of_mechanism["from"],
        "selectors": of_mechanism["dkim"],
        "tls": _all(TlsDay, await connection.fetch(SQL["tls"], domain, first, last)),
        "tls_failures": _all(TlsFailureSums, await connection.fetch(SQL["tls_failures"], domain, first, last)),
        "failure_reports": await connection.fetchval(SQL["failure_reports"], domain, first, last),
    }


def _all(shape: Any, rows: Sequence[Record]) -> list[Any]:
    return [shape.model_validate(dict(row)) for row in rows]


def _day(row: Record) -> DomainDay:
    """A message that passes by either is counted in both sums, so what is counted twice passed by both."""
    both = max(row["dkim"] + row["spf"] - row["passed"], 0)
    return DomainDay.model_validate({**dict(row), "both": both, "neither": row["messages"] - row["passed"]})


async def verdict_sums(connection: Connection, domains: list[str]) -> dict[str, list[VerdictSums]]:
    """The sources of each of these domains by what they are, the first to look at first."""
    found: dict[str, list[VerdictSums]] = {domain: [] for domain in domains}
    for row in await connection.fetch(SQL["verdicts"], domains):
        found[row["domain"]].append(VerdictSums.model_validate(dict(row)))
    return {domain: sorted(sums, key=lambda one: one.verdict.severity) for domain, sums in found.items()}
