"""Sources: who sends as a domain, by address and by service, what they are, and what changed."""

from collections.abc import Coroutine
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.sources import history, queries, standing
from config_api.sources.groups import Grouping, GroupRow, GroupSort, find_groups, may_be_kept
from config_api.sources.history import ServiceDetail
from config_api.sources.shapes import (
    ChangeFilter,
    ChangeRow,
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
from config_api.web.export import CSV_TYPE, Format, exported, wanted_format
from config_api.web.needs import within_domains
from config_api.web.paging import Page, PageQuery
from config_api.web.shapes import Text
from config_api.web.view import on_loop

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
GROUP_COLUMNS = (
    "key", "name", "kind", "verdict", "addresses", "domains", "messages", "passed", "failed", "messages_before",
    "first_day", "last_day", "organisation", "country", "help",
)  # fmt: skip
CSV = (CSV_TYPE,)
LONG = 30.0  # seconds: sums of a period, or of very many sources


class SourceQuery(PageQuery, SourceFilter):
    """Sources. With `format` all that match come as one file, whatever the limit."""

    sort: SourceSort = SourceSort.ATTENTION
    format: Maybe[Format] = None


class ChangeQuery(PageQuery, ChangeFilter):
    """Changes. With `format` all that match come as one file, whatever the limit."""

    format: Maybe[Format] = None


class GroupQuery(PageQuery, SourceFilter):
    """Groups of sources. With `format` all that match come as one file, whatever the limit."""

    sort: GroupSort = GroupSort.ATTENTION
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
@within_domains
@operation(Scope.READ, gives=Page[SourceRow], media=CSV)
@on_loop(timeout=LONG)
async def list_sources(query: SourceQuery) -> Any:
    """Sources, those that need attention first. With format=csv or json all that match as a file."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[SourceRow]]:
        return queries.find(back.database, back.services.catalogue, query, sort=query.sort, limit=limit, cursor=cursor)

    format_ = wanted_format(query.format)
    if format_ is not None:
        return await exported(format_, "sources", SOURCE_COLUMNS, page)

    async def answer() -> Page[SourceRow]:
        return await with_total(await page(query.limit, query.cursor), query, page)

    if query.since is None:
        return await answer()
    asked = query.model_dump_json()  # adding up a period may take long: the answer may be some seconds old
    return await back.recent.answer(asked, answer)


@routes.get("/sources/<address>")
@within_domains
@operation(Scope.READ, gives=SourceDetail, fails=(404,))
async def get_source(address: str, query: Period) -> SourceDetail:
    """One address: its names, what it is to each domain and why, what it authenticated as, and its days."""
    back = backend()
    return await queries.get(back.database, back.services.catalogue, queries.known_address(address), query)


@routes.get("/sources/<address>/records")
@within_domains
@operation(Scope.READ, gives=RecordList, fails=(404,))
async def list_source_records(address: str, query: RecordsQuery) -> RecordList:
    """The latest rows of reports that name an address."""
    known = queries.known_address(address)
    return RecordList(items=await queries.records(backend().database, known, query, domain=query.domain))


@routes.put("/sources/<address>/standing")
@operation(Scope.ADMIN, gives=StandingRow, fails=(404, 415))
async def put_source_standing(address: str, json: StandingRequest) -> StandingRow:
    """Say whether an address is ours, not ours, or to be ignored."""
    return await standing.say(backend().database, "address", queries.known_address(address), json, who=who())


@routes.delete("/sources/<address>/standing")
@operation(Scope.ADMIN, status=204, fails=(404,))
async def delete_source_standing(address: str, query: StandingScope) -> Response:
    """Take back what was said of an address."""
    known = queries.known_address(address)
    await standing.take_back(backend().database, "address", known, query.domain, who=who())
    return Response(status=204)


@routes.get("/services")
@within_domains
@operation(Scope.READ, gives=Page[GroupRow], media=CSV)
@on_loop(timeout=LONG)
async def list_services(query: GroupQuery) -> Any:
    """The services that sent in the last 30 days that reports speak of; the sources of none are one group."""
    return await _grouped(query, by="service")


@routes.get("/services/<service_id>")
@within_domains
@operation(Scope.READ, gives=ServiceDetail, fails=(404,))
@on_loop(timeout=LONG)
async def get_service(service_id: str, query: RecordsQuery) -> ServiceDetail:
    """One service with its sums, and its days; of one domain or of all."""
    back = backend()
    service = history.known_service(back.services.catalogue, service_id)
    asked = ("service", service.id, query.model_dump_json())
    return await back.recent.answer(asked, lambda: history.service_detail(back.database, service, query, query.domain))


@routes.get("/networks")
@within_domains
@operation(Scope.READ, gives=Page[GroupRow], media=CSV)
@on_loop(timeout=LONG)
async def list_networks(query: GroupQuery) -> Any:
    """The same by network; `key` is the AS number."""
    return await _grouped(query, by="network")


@routes.put("/services/<service_id>/standing")
@operation(Scope.ADMIN, gives=StandingRow, fails=(404, 415))
async def put_service_standing(service_id: str, json: StandingRequest) -> StandingRow:
    """Say whether a service is ours, not ours, or to be ignored."""
    back = backend()
    service = history.known_service(back.services.catalogue, service_id)
    return await standing.say(back.database, "service", service.id, json, who=who())


@routes.delete("/services/<service_id>/standing")
@operation(Scope.ADMIN, status=204, fails=(404,))
async def delete_service_standing(service_id: str, query: StandingScope) -> Response:
    """Take back what was said of a service."""
    await standing.take_back(backend().database, "service", service_id, query.domain, who=who())
    return Response(status=204)


@routes.get("/standings")
@within_domains
@operation(Scope.READ, gives=StandingList)
async def list_standings() -> StandingList:
    """All that was said of addresses and services."""
    return StandingList(items=await standing.all_of(backend().database))


@routes.get("/changes")
@within_domains
@operation(Scope.READ, gives=Page[ChangeRow], media=CSV)
async def list_changes(query: ChangeQuery) -> Any:
    """Sources that are new, silent, suddenly more or suddenly failing, the latest change first."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[ChangeRow]]:
        return queries.changes(back.database, back.services.catalogue, query, limit=limit, cursor=cursor)

    format_ = wanted_format(query.format)
    if format_ is not None:
        return await exported(format_, "changes", CHANGE_COLUMNS, page)
    return await with_total(await page(query.limit, query.cursor), query, page)


async def _grouped(query: GroupQuery, *, by: str) -> Any:
    """Groups that are not kept but added up may be some seconds old."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[GroupRow]]:
        grouping = Grouping(by, query.sort)
        return find_groups(back.database, back.services.catalogue, query, grouping, limit, cursor)

    format_ = wanted_format(query.format)
    if format_ is not None:
        return await exported(format_, f"{by}s", GROUP_COLUMNS, page)

    async def answer() -> Page[GroupRow]:
        return await with_total(await page(query.limit, query.cursor), query, page)

    if may_be_kept(query):
        return await answer()
    return await back.recent.answer((by, query.model_dump_json()), answer)
