"""Sources of a service or of a network together: as the parser keeps them, or added up where a filter needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field

from config_api.sources.filters import TERMS, narrow
from config_api.sources.shapes import Result, SourceFilter
from config_api.web.paging import Page, mixed_mark, page_of
from config_api.web.shapes import Count, Row
from pipeline.postgres.connection import Connection, Database, Record
from pipeline.postgres.statements import Statements
from pipeline.sources.catalogue import Catalogue, Kind, Service
from pipeline.sources.judge import Verdict

GROUPS = Statements.of("config_api.sources", "groups.sql")
COLUMNS = {"service": "source.service", "network": "source.asn"}
PARTS = {Result.FAILING: "some_fail", Result.PASSING: "all_pass"}


class GroupSort(StrEnum):
    """`attention`: what somebody should look at first. The others have the largest or the latest first."""

    ATTENTION = "attention"
    MESSAGES = "-messages"
    FAILED = "-failed"
    ADDRESSES = "-addresses"
    LAST_DAY = "-last_day"


_FAILED, _DAYS = "(-failed)", "(date '2000-01-01' - last_day)"
_KEYS = {  # two numbers, rising
    GroupSort.ATTENTION: f"severity, {_FAILED}",
    GroupSort.MESSAGES: f"(-messages), {_FAILED}",
    GroupSort.FAILED: f"{_FAILED}, (-messages)",
    GroupSort.ADDRESSES: f"(-addresses), {_FAILED}",
    GroupSort.LAST_DAY: f"{_DAYS}, {_FAILED}",
}


class GroupRow(Row):
    """The sources of a service, or of a network's organisation; `key` is empty for those of none."""

    key: str
    name: str
    kind: Kind | None = None
    help: str | None = None
    verdict: Verdict = Field(description="The one that needs attention most.")
    organisation: str | None = None
    country: str | None = None
    addresses: Count
    domains: Count
    messages: Count
    passed: Count
    failed: Count
    messages_before: Count
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Grouping:
    """What sources are grouped by (service or network), and what the groups are sorted by."""

    by: str
    sort: GroupSort = GroupSort.ATTENTION


def may_be_kept(wanted: SourceFilter) -> bool:
    """Whether the parser may keep such groups: of a domain or of all, whole, or those of one verdict or result."""
    others = set(SourceFilter.model_fields) - {"domain", "verdict", "result"}
    is_simple = all(getattr(wanted, name) is None for name in others)
    return is_simple and (wanted.verdict is None or wanted.result is None)


async def find_groups(
    database: Database, catalogue: Catalogue, wanted: SourceFilter, grouping: Grouping, limit: int, cursor: str | None
) -> Page[GroupRow]:
    """Groups by service or network, sorted. Raises Invalid for a cursor that is none."""
    by = grouping.by
    mark = mixed_mark(cursor, numbers=2, texts=1) or (None, None, None)
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        if await _is_kept(connection, wanted):
            values: list[Any] = [(wanted.domain or "").lower(), by, _part(wanted)]
            relation = GROUPS["kept"]
        else:
            narrowed = await narrow(connection, GROUPS["added_up"].replace("{group}", COLUMNS[by]), wanted)
            if narrowed is None:
                return Page(items=[])
            relation, values = narrowed.sql, narrowed.values
        statement = GROUPS["groups"].replace("{relation}", relation).replace("{order}", _KEYS[grouping.sort])
        for place, name in enumerate(("first", "second", "third", "limit"), len(values) + 1):
            statement = statement.replace(f"${name}", f"${place}")
        rows = await connection.fetch(statement, *values, *mark, limit + 1)
    page = page_of(rows, limit, lambda row: (row["first_mark"], row["second_mark"], row["key"]))
    return Page(items=[_group_row(row, catalogue.services, by=by) for row in page.items], next_cursor=page.next_cursor)


async def _is_kept(connection: Connection, wanted: SourceFilter) -> bool:
    """Where there are few sources they are added up, which is quick."""
    return may_be_kept(wanted) and await connection.fetchval(GROUPS["is_kept"], (wanted.domain or "").lower())


async def group_of_service(connection: Connection, service: Service, domain: str | None) -> GroupRow | None:
    """The group of one service, of a domain or of all; None where it sent nothing."""
    if await connection.fetchval(GROUPS["is_kept"], (domain or "").lower()):
        row = await connection.fetchrow(GROUPS["of_service"], (domain or "").lower(), service.id)
    else:
        wanted = SourceFilter(domain=domain, service=service.id)
        narrowed = await narrow(connection, GROUPS["added_up"].replace("{group}", COLUMNS["service"]), wanted)
        row = await connection.fetchrow(narrowed.sql, *narrowed.values) if narrowed else None
    return _group_row(row, {service.id: service}, by="service") if row else None


def _part(wanted: SourceFilter) -> str:
    if wanted.verdict is not None:
        return str(wanted.verdict.severity)
    return PARTS[wanted.result] if wanted.result is not None else ""


def _group_row(row: Record, services: Mapping[str, Service], *, by: str) -> GroupRow:
    service = services.get(row["key"]) if by == "service" else None
    named: dict[str, Any] = {"service": service.name if service else row["key"], "network": row["organisation"]}
    return GroupRow.model_validate(
        {
            **dict(row),
            "name": named[by] or "",
            "kind": service.kind if service else None,
            "help": service.help if service else None,
            "verdict": list(Verdict)[row["severity"]],
        }
    )
