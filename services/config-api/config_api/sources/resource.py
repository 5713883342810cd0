"""Sources: who sends as a domain, by address and by service, what they are, and what changed."""

from collections.abc import Coroutine
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.sources import queries, standing
from config_api.sources.shapes import (
    ChangeFilter,
    ChangeRow,
    GroupList,
    Period,
    SourceDetail,
    SourceFilter,
    SourceRecord,
    SourceRow,
    SourceSort,
    StandingRequest,
    StandingRow,
    StandingScope,
)
from config_api.web.absence import Maybe
from config_api.web.api.totals import with_total
from config_api.web.contract import PREFIX, operation
from config_api.web.export import CSV_TYPE, Format, export, wanted_format
from config_api.web.paging import Page, PageQuery
from config_api.web.problem import not_found
from config_api.web.shapes import Text

routes = Blueprint("api_sources", __name__, url_prefix=PREFIX)

SOURCE_COLUMNS = (
    "domain", "source_ip", "service", "service_name", "kind", "verdict", "standing", "changes", "messages", "passed",
    "failed", "dkim", "spf", "quarantined", "rejected", "overridden", "messages_before", "passed_before", "first_day",
    "last_day", "network", "asn", "organisation", "country", "host",
)  # fmt: skip
CHANGE_COLUMNS = (
    "changed_at", "domain", "source_ip", "service", "service_name", "changes", "verdict", "messages", "failed",
    "messages_before", "passed_before", "first_day", "last_day",
)  # fmt: skip
CSV = (CSV_TYPE,)


class SourceQuery(PageQuery, SourceFilter):
    """Sources. With `format` all that match come as one file, whatever the limit."""

    sort: SourceSort = SourceSort.ATTENTION
    format: Maybe[Format] = None


class ChangeQuery(PageQuery, ChangeFilter):
    """Changes. With `format` all that match come as one file, whatever the limit."""

    format: Maybe[Format] = None


class RecordsQuery(Period):
    """Which rows of reports."""

    domain: Maybe[Text] = Field(None, description="The policy domain.")


class RecordList(BaseModel):
    """Rows of reports, the latest reports first."""

    items: list[SourceRecord]


class StandingList(BaseModel):
    """All that was said."""

    items: list[StandingRow]


@routes.get("/sources")
@operation(Scope.READ, gives=Page[SourceRow], media=CSV)
def list_sources(query: SourceQuery) -> Any:
    """Sources, those that need attention first. With format=csv or json all that match as a file."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[SourceRow]]:
        return queries.find(back.database, back.services.catalogue, query, sort=query.sort, limit=limit, cursor=cursor)

    format_ = wanted_format(query.format)
    if format_ is not None:
        return export(format_, "sources", SOURCE_COLUMNS, page)

    async def answer() -> Page[SourceRow]:
        return await with_total(await page(query.limit, query.cursor), query, page)

    if query.since is None:
        return back.run(answer())
    asked = query.model_dump_json()  # adding up a period may take long: the answer may be some seconds old
    return back.run(back.recent.answer(asked, answer), timeout=30)


@routes.get("/sources/<address>")
@operation(Scope.READ, gives=SourceDetail, fails=(404,))
def get_source(address: str, query: Period) -> SourceDetail:
    """One address: its names, what it is to each domain and why, what it authenticated as, and its days."""
    back = backend()
    return back.run(queries.get(back.database, back.services.catalogue, queries.known_address(address), query))


@routes.get("/sources/<address>/records")
@operation(Scope.READ, gives=RecordList, fails=(404,))
def list_source_records(address: str, query: RecordsQuery) -> RecordList:
    """The latest rows of reports that name an address."""
    back = backend()
    return RecordList(
        items=back.run(queries.records(back.database, queries.known_address(address), query, domain=query.domain))
    )


@routes.put("/sources/<address>/standing")
@operation(Scope.ADMIN, gives=StandingRow, fails=(404, 415))
def put_source_standing(address: str, json: StandingRequest) -> StandingRow:
    """Say whether an address is ours, not ours, or to be ignored."""
    back = backend()
    return back.run(standing.say(back.database, "address", queries.known_address(address), json, who=who()))


@routes.delete("/sources/<address>/standing")
@operation(Scope.ADMIN, status=204, fails=(404,))
def delete_source_standing(address: str, query: StandingScope) -> Response:
    """Take back what was said of an address."""
    back = backend()
    back.run(standing.take_back(back.database, "address", queries.known_address(address), query.domain, who=who()))
    return Response(status=204)


@routes.get("/services")
@operation(Scope.READ, gives=GroupList)
def list_services(query: SourceFilter) -> GroupList:
    """The services that sent in the last 30 days that reports speak of; the sources of none are one group."""
    return _grouped(query, by="service")


@routes.get("/networks")
@operation(Scope.READ, gives=GroupList)
def list_networks(query: SourceFilter) -> GroupList:
    """The same by network; `key` is the AS number."""
    return _grouped(query, by="network")


@routes.put("/services/<service_id>/standing")
@operation(Scope.ADMIN, gives=StandingRow, fails=(404, 415))
def put_service_standing(service_id: str, json: StandingRequest) -> StandingRow:
    """Say whether a service is ours, not ours, or to be ignored."""
    back = backend()
    if service_id not in back.services.catalogue.services:
        raise not_found("service")
    return back.run(standing.say(back.database, "service", service_id, json, who=who()))


@routes.delete("/services/<service_id>/standing")
@operation(Scope.ADMIN, status=204, fails=(404,))
def delete_service_standing(service_id: str, query: StandingScope) -> Response:
    """Take back what was said of a service."""
    back = backend()
    back.run(standing.take_back(back.database, "service", service_id, query.domain, who=who()))
    return Response(status=204)


@routes.get("/standings")
@operation(Scope.READ, gives=StandingList)
def list_standings() -> StandingList:
    """All that was said of addresses and services."""
    back = backend()
    return StandingList(items=back.run(standing.all_of(back.database)))


@routes.get("/changes")
@operation(Scope.READ, gives=Page[ChangeRow], media=CSV)
def list_changes(query: ChangeQuery) -> Any:
    """Sources that are new, silent, suddenly more or suddenly failing, the latest change first."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[ChangeRow]]:
        return queries.changes(back.database, back.services.catalogue, query, limit=limit, cursor=cursor)

    format_ = wanted_format(query.format)
    if format_ is not None:
        return export(format_, "changes", CHANGE_COLUMNS, page)

    async def answer() -> Page[ChangeRow]:
        return await with_total(await page(query.limit, query.cursor), query, page)

    return back.run(answer())


def _grouped(query: SourceFilter, *, by: str) -> GroupList:
    """Where there are very many sources, the answer may be some seconds old."""
    back = backend()

    def ask() -> Coroutine[Any, Any, list[Any]]:
        return queries.groups(back.database, back.services.catalogue, query, by=by)

    return GroupList(items=back.run(back.recent.answer((by, query.model_dump_json()), ask), timeout=30))
