"""Sources: who sends in your name, by service, network or address, those that fail first; one source, one service.

What a person decides about them ("ours", "not ours", "ignore") is said here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from flask import Blueprint, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.sources import queries, standing, words
from config_api.sources.shapes import (
    MAX_DAYS,
    Period,
    SourceFilter,
    SourceSort,
    StandingRequest,
)
from config_api.web.bars import alignment_over_time
from config_api.web.charts import share_bar, stacked_bars
from config_api.web.needs import needs, within_domains
from config_api.web.notes import told
from config_api.web.period import Period as ShownPeriod
from config_api.web.period import period_of
from config_api.web.problem import Problem, not_found
from config_api.web.view import MAX_LENGTH, query
from pipeline.sources.judge import Standing

PAGE_SIZE = 50
GROUPS = {"service": "Services", "network": "Networks", "address": "Addresses"}
FILTERS = ("domain", "service", "asn", "verdict", "standing", "result", "change", "q", "since", "until")
TIMEOUT = 30  # seconds: very many sources are added up
T = TypeVar("T")

blueprint = Blueprint("sources", __name__, url_prefix="/sources")


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list that is whole in memory; places count from 1."""

    items: Sequence[Any]
    first: int
    total: int
    number: int
    is_last: bool


@blueprint.get("")
@within_domains
@needs(Scope.READ)
def listing() -> str:
    """The list, grouped."""
    here = query()
    wanted, faults = _filter(here)
    by = here.get("by", "address" if _is_narrowed(here) else "service")
    by = by if by in GROUPS else "service"
    frame = {"here": here, "by": by, "groups": GROUPS, "faults": faults, "words_of": words, "share_bar": share_bar}
    frame["verdicts"] = [(code, text.text) for code, text in words.VERDICTS.items()]
    frame |= {"filtered": any(name in here for name in FILTERS), "exports": _exports(wanted)}
    if faults:
        return render_template("sources/list.html", **frame, found=None, slice=None)
    services = backend()
    if by == "address":
        sort = SourceSort(here["sort"]) if here.get("sort") in set(SourceSort) else SourceSort.ATTENTION
        read = queries.find(
            services.database,
            services.services.catalogue,
            wanted,
            sort=sort,
            limit=PAGE_SIZE,
            cursor=here.get("cursor"),
        )
        found = services.run(read, timeout=TIMEOUT)
        return render_template("sources/list.html", **frame, found=found, slice=None, sort=sort)

    async def grouped() -> list[Any]:
        return await queries.groups(services.database, services.services.catalogue, wanted, by=by)

    rows = services.run(services.recent.answer((by, wanted.model_dump_json()), grouped), timeout=TIMEOUT)
    return render_template(
        "sources/list.html", **frame, found=None, slice=slice_of(rows, here.get("page", "")), sort=""
    )


@blueprint.get("/<address>")
@within_domains
@needs(Scope.READ)
def one(address: str) -> str:
    """One address: its names, what it is to each domain and why, its days, what it authenticated as, its records."""
    here, services = query(), backend()
    known = queries.known_address(address)
    period, asked = _days(here)
    catalogue = services.services.catalogue
    found = services.run(queries.get(services.database, catalogue, known, asked), timeout=TIMEOUT)
    rows = services.run(queries.records(services.database, known, asked, domain=here.get("domain")), timeout=TIMEOUT)
    days = period or ShownPeriod(*queries.history_days(found.last_day))
    link = (
        f"/sources/{quote(known)}?{urlencode({'domain': here['domain']})}" if "domain" in here else f"/sources/{known}"
    )
    return render_template(
        "sources/one.html",
        source=found,
        service=catalogue.services.get(found.service or ""),
        records=[row for row in rows if "failing" not in here or "pass" not in (row.dkim, row.spf)],
        chart=alignment_over_time(found.days, days, leads_to=link),
        decisions=[each for each in found.standings if each.kind == "address"],
        domains=[(each.domain, each.domain) for each in found.domains],
        period=days,
        fault=period.fault if period else "",
        here=here,
        words_of=words,
        share_bar=share_bar,
        stacked_bars=stacked_bars,
    )


@blueprint.get("/services/<service_id>")
@within_domains
@needs(Scope.READ)
def service(service_id: str) -> str:
    """One service: what it is, what was decided about it, and its addresses."""
    here, services = query(), backend()
    catalogue = services.services.catalogue
    entry = catalogue.services.get(service_id)
    if entry is None:
        raise not_found("service")
    wanted, _ = _filter({**{name: here[name] for name in ("domain",) if name in here}, "service": service_id})

    async def read() -> tuple[Any, Any, Any]:
        found = await queries.find(services.database, catalogue, wanted, limit=PAGE_SIZE, cursor=here.get("cursor"))
        sums = await queries.groups(services.database, catalogue, wanted, by="service")
        return found, sums, await standing.all_of(services.database)

    found, sums, said = services.run(read(), timeout=TIMEOUT)
    return render_template(
        "sources/service.html",
        service=entry,
        found=found,
        sums=sums[0] if sums else None,
        decisions=[each for each in said if (each.kind, each.target) == ("service", service_id)],
        here=here,
        sort="",
        words_of=words,
        share_bar=share_bar,
    )


@blueprint.post("/<address>/decision")
@needs(Scope.ADMIN)
def decide_address(address: str) -> Response:
    """Says what an address is, or takes it back."""
    known = queries.known_address(address)
    return _decide("address", known, f"/sources/{quote(known)}")


@blueprint.post("/services/<service_id>/decision")
@needs(Scope.ADMIN)
def decide_service(service_id: str) -> Response:
    """The same for a service."""
    if service_id not in backend().services.catalogue.services:
        raise not_found("service")
    return _decide("service", service_id, f"/sources/services/{service_id}")


def slice_of(rows: Sequence[T], page: str) -> Slice:
    """The page of that number, from 1; the nearest there is."""
    last = max(-(-len(rows) // PAGE_SIZE), 1)
    number = min(max(int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1, 1), last)
    first = (number - 1) * PAGE_SIZE
    return Slice(rows[first : first + PAGE_SIZE], first + 1, len(rows), number, number == last)


def _decide(kind: str, target: str, path: str) -> Response:
    form = {name: value.strip()[:MAX_LENGTH] for name, value in request.form.items()}
    database, domain = backend().database, form.get("domain") or None
    if form.get("decision") == "none":
        try:
            backend().run(standing.take_back(database, kind, target, domain, who=who()))
        except Problem as problem:
            if problem.status != 404:
                raise  # nothing was said, and nothing is now
        return told(path, "undecided")
    if form.get("decision") not in set(Standing):
        raise Problem(422, "Choose an answer", 'Choose "ours", "not ours", "ignore" or "no decision".')
    try:
        decision = StandingRequest(standing=Standing(form["decision"]), note=form.get("note", ""), domain=domain)
    except ValidationError as error:
        raise Problem(422, "This cannot be kept", error.errors()[0]["msg"]) from None
    backend().run(standing.say(database, kind, target, decision, who=who()))
    return told(path, "decided")


def _filter(here: dict[str, str]) -> tuple[SourceFilter, list[str]]:
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


def _days(here: dict[str, str]) -> tuple[ShownPeriod | None, Period]:
    """The days that are asked for, and what the queries take; none where they are left out, or make no sense."""
    if "since" not in here and "until" not in here:
        return None, Period()
    period = period_of(here, datetime.now(UTC).date(), most=MAX_DAYS)
    return period, Period() if period.fault else Period(since=period.since, until=period.until)


def _is_narrowed(here: dict[str, str]) -> bool:
    return any(name in here for name in ("service", "asn", "verdict", "standing", "result", "change", "q"))


def _exports(wanted: SourceFilter) -> dict[str, str]:
    values = wanted.model_dump(mode="json", exclude_none=True)
    return {kind: urlencode({**values, "format": kind}) for kind in ("csv", "json")}
