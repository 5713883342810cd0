"""Domains: what is sent in their name, and whether they may be stricter."""

from collections.abc import Coroutine
from typing import Any

from flask import Blueprint

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.domains import dns, queries
from config_api.domains.ready import readiness_of
from config_api.domains.shapes import DnsAnswer, DomainDetail, DomainFilter, DomainRow, ReadinessAnswer
from config_api.sources.shapes import Period
from config_api.web.absence import Maybe
from config_api.web.api.totals import with_total
from config_api.web.contract import PREFIX, operation
from config_api.web.export import CSV_TYPE, Format, exported, wanted_format
from config_api.web.needs import within_domains
from config_api.web.paging import Page, PageQuery
from config_api.web.view import on_loop

routes = Blueprint("api_domains", __name__, url_prefix=f"{PREFIX}/domains")

COLUMNS = (
    "domain", "first_day", "last_day", "reports", "messages", "passed", "failed", "quarantined", "rejected", "p", "sp",
    "np", "verdicts",
)  # fmt: skip
CSV = (CSV_TYPE,)
LONG = 30.0  # seconds: a domain of very many sources


class DomainQuery(PageQuery, DomainFilter):
    """Domains. With `format` all that match come as one file, whatever the limit."""

    format: Maybe[Format] = None


@routes.get("")
@within_domains
@operation(Scope.READ, gives=Page[DomainRow], media=CSV)
async def list_domains(query: DomainQuery) -> Any:
    """Domains, those with most messages first. With format=csv or json all that match as a file."""
    database = backend().database

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[DomainRow]]:
        return queries.find(database, query, limit=limit, cursor=cursor)

    format_ = wanted_format(query.format)
    if format_ is not None:
        return await exported(format_, "domains", COLUMNS, page)
    return await with_total(await page(query.limit, query.cursor), query, page)


@routes.get("/<name>")
@within_domains
@operation(Scope.READ, gives=DomainDetail, fails=(404,))
@on_loop(timeout=LONG)
async def get_domain(name: str, query: Period) -> DomainDetail:
    """One domain: its days, policies, reporters, names, TLS sessions, and its sources by what they are."""
    return await queries.get(backend().database, name, query)


@routes.get("/<name>/readiness")
@within_domains
@operation(Scope.READ, gives=ReadinessAnswer, fails=(404,))
@on_loop(timeout=LONG)
async def get_readiness(name: str) -> ReadinessAnswer:
    """Ready for quarantine, for reject? By rules and numbers that are written down."""
    back = backend()
    catalogue = back.services.catalogue
    return await back.recent.answer(("readiness", name), lambda: readiness_of(back.database, catalogue, name))


@routes.get("/<name>/dns")
@within_domains
@operation(Scope.READ, gives=DnsAnswer, fails=(404,))
async def get_dns(name: str) -> DnsAnswer:
    """What DNS said of a domain when it was asked last, and before."""
    return await dns.latest(backend().database, name)


@routes.post("/<name>/dns")
@operation(Scope.ADMIN, gives=DnsAnswer, fails=(404,))
@on_loop(timeout=40)
async def post_dns(name: str) -> DnsAnswer:
    """Have a fetcher ask DNS for a domain's records now."""
    return await dns.ask(backend(), name)
