"""Sources: who sends in your name, by service, network or address, those that fail first; and one address."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint
from pydantic import ValidationError

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.sources import queries, words
from config_api.sources.groups import Grouping, GroupRow, GroupSort, find_groups, may_be_kept
from config_api.sources.history import days_of
from config_api.sources.shapes import MAX_DAYS, Period, SourceFilter, SourceRow, SourceSort
from config_api.web.bars import alignment_over_time
from config_api.web.charts import share_bar, stacked_bars
from config_api.web.needs import needs, within_domains
from config_api.web.paging import Page
from config_api.web.period import Period as ShownPeriod
from config_api.web.period import period_of
from config_api.web.view import Template, on_loop, query, template

PAGE_SIZE = 50
GROUPS = {"service": "Services", "network": "Networks", "address": "Addresses"}
EXPORTED = {"service": "services", "network": "networks", "address": "sources"}  # resources of the API
NARROWING = ("service", "asn", "verdict", "standing", "result", "change", "q")
FILTERS = ("domain", *NARROWING, "since", "until")
TIMEOUT = 30  # seconds: very many sources are added up

blueprint = Blueprint("sources", __name__, url_prefix="/sources")


@blueprint.get("")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def listing() -> Template:
    """The list, grouped. Sums of days that somebody chose take longer, and come after the page."""
    here = query()
    whole = here.pop("whole", None) is not None
    wanted, faults = filter_of(here)
    by, sort = _grouped(here)
    frame = {**_frame(here, by, sort), "faults": faults, "exports": _exports(wanted, by, sort)}
    if faults:
        return template("sources/list.html", **frame, found=None)
    found = await _found(here, wanted, by, sort, whole=whole)
    return template("sources/list.html", **frame, found=found)


@blueprint.get("/rows")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def rows() -> Template:
    """The list alone, for a page that came without it."""
    here = query()
    wanted, _ = filter_of(here)
    by, sort = _grouped(here)
    found = await _found(here, wanted, by, sort, whole=True)
    return template("sources/rows.html", **_frame(here, by, sort), found=found)


@blueprint.get("/<address>")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def one(address: str) -> Template:
    """One address: its names, what it is to each domain and why, its days, what it authenticated as, its records."""
    here, services = query(), backend()
    known = queries.known_address(address)
    period, asked = _days(here)
    catalogue = services.services.catalogue
    found, records = await asyncio.gather(
        queries.get(services.database, catalogue, known, asked),
        queries.records(services.database, known, asked, domain=here.get("domain")),
    )
    days = period or ShownPeriod(*days_of(Period(), until=found.last_day))
    link = f"/sources/{quote(known)}"
    return template(
        "sources/one.html",
        source=found,
        service=catalogue.services.get(found.service or ""),
        records=[row for row in records if "failing" not in here or "pass" not in (row.dkim, row.spf)],
        chart=alignment_over_time(
            found.days, days, leads_to=f"{link}?{urlencode({'domain': here['domain']})}" if "domain" in here else link
        ),
        decisions=[each for each in found.standings if each.kind == "address"],
        domains=[(each.domain, each.domain) for each in found.domains],
        period=days,
        fault=period.fault if period else "",
        here=here,
        words_of=words,
        share_bar=share_bar,
        stacked_bars=stacked_bars,
    )


def filter_of(here: dict[str, str]) -> tuple[SourceFilter, list[str]]:
    """What the list is narrowed to, and what of it makes no sense, in words; then nothing is shown."""
    values: dict[str, Any] = {name: here[name] for name in FILTERS if name in here}
    faults = []
    period, asked = _days(here)
    if period and period.fault:
        faults.append(period.fault)
    values |= {"since": asked.since, "until": asked.until}
    try:
        return SourceFilter.model_validate(values), faults
    except ValidationError as error:
        names = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
        return SourceFilter(), [*faults, f"The filter {', '.join(names)} has a value that makes no sense."]


async def _found(here: dict[str, str], wanted: SourceFilter, by: str, sort: str, *, whole: bool) -> Page[Any] | None:
    """A page of the list; None where it takes longer and is not waited for."""
    back = backend()
    catalogue, cursor = back.services.catalogue, here.get("cursor")

    async def addresses() -> Page[SourceRow]:
        return await queries.find(
            back.database, catalogue, wanted, sort=SourceSort(sort), limit=PAGE_SIZE, cursor=cursor
        )

    async def groups() -> Page[GroupRow]:
        grouping = Grouping(by, GroupSort(sort))
        return await find_groups(back.database, catalogue, wanted, grouping, PAGE_SIZE, cursor)

    read = addresses if by == "address" else groups
    if wanted.since is None and (by == "address" or may_be_kept(wanted)):
        return await read()
    asked = (by, sort, cursor, wanted.model_dump_json())
    return await (back.recent.answer if whole else back.recent.answer_soon)(asked, read)


def _grouped(here: dict[str, str]) -> tuple[str, str]:
    """What the list is grouped and sorted by; the narrower one looks, the sooner one wants addresses."""
    is_narrowed = any(name in here for name in NARROWING)
    by = here.get("by", "address" if is_narrowed else "service")
    by = by if by in GROUPS else "service"
    sorts = set(SourceSort if by == "address" else GroupSort)
    return by, here["sort"] if here.get("sort") in sorts else SourceSort.ATTENTION.value


def _frame(here: dict[str, str], by: str, sort: str) -> dict[str, Any]:
    return {
        "here": here,
        "by": by,
        "sort": sort,
        "groups": GROUPS,
        "words_of": words,
        "share_bar": share_bar,
        "verdicts": [(code, text.text) for code, text in words.VERDICTS.items()],
        "filtered": any(name in here for name in FILTERS),
    }


def _days(here: dict[str, str]) -> tuple[ShownPeriod | None, Period]:
    """The days that are asked for, and what the queries take; none where they are left out, or make no sense."""
    if "since" not in here and "until" not in here:
        return None, Period()
    period = period_of(here, datetime.now(UTC).date(), most=MAX_DAYS)
    return period, Period() if period.fault else Period(since=period.since, until=period.until)


def _exports(wanted: SourceFilter, by: str, sort: str) -> dict[str, str]:
    """The addresses of the API's exports by their format: the same groups, filter and order, all pages."""
    values = {**wanted.model_dump(mode="json", exclude_none=True), "sort": sort}
    return {kind: f"/api/v1/{EXPORTED[by]}?{urlencode({**values, 'format': kind})}" for kind in ("csv", "json")}
