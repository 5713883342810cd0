"""One service with its days and addresses, and what a person decides about a service or an address."""

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint
from pydantic import ValidationError
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import Invalid, NotFound
from config_api.sources import queries, standing, words
from config_api.sources.history import ServiceDetail, known_service, service_detail
from config_api.sources.page import PAGE_SIZE, TIMEOUT, filter_of
from config_api.sources.shapes import Period, SourceSort, StandingRequest
from config_api.web.bars import alignment_over_time
from config_api.web.charts import share_bar, stacked_bars
from config_api.web.needs import needs, within_domains
from config_api.web.notes import told
from config_api.web.period import Period as ShownPeriod
from config_api.web.view import Template, form, on_loop, query, template
from pipeline.sources.catalogue import Service
from pipeline.sources.judge import Standing

blueprint = Blueprint("services", __name__, url_prefix="/sources")


@blueprint.get("/services/<service_id>")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def service(service_id: str) -> Template:
    """One service: what it is, what was decided about it, its days and its addresses."""
    here, back = query(), backend()
    whole = here.pop("whole", None) is not None
    entry = known_service(back.services.catalogue, service_id)
    wanted, faults = filter_of({**here, "service": service_id})
    sort = SourceSort(here["sort"]) if here.get("sort") in set(SourceSort) else SourceSort.ATTENTION
    addresses = wanted.model_copy(update={"since": None, "until": None})
    found, detail, said = await asyncio.gather(
        queries.find(
            back.database, back.services.catalogue, addresses, sort=sort, limit=PAGE_SIZE, cursor=here.get("cursor")
        ),
        _detail(entry, wanted, here.get("domain"), whole=whole),
        standing.all_of(back.database),
    )
    return template(
        "sources/service.html",
        service=entry,
        found=found,
        decisions=[each for each in said if (each.kind, each.target) == ("service", service_id)],
        here=here,
        sort=sort,
        faults=faults,
        words_of=words,
        share_bar=share_bar,
        **_charted(detail, here),
    )


@blueprint.get("/services/<service_id>/days")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def days(service_id: str) -> Template:
    """The part of that page with figures and days, for one that came without it."""
    here = query()
    entry = known_service(backend().services.catalogue, service_id)
    wanted, _ = filter_of({**here, "service": service_id})
    detail = await _detail(entry, wanted, here.get("domain"), whole=True)
    return template("sources/service_days.html", service=entry, here=here, words_of=words, **_charted(detail, here))


@blueprint.post("/<address>/decision")
@needs(Scope.ADMIN)
@on_loop
async def decide_address(address: str) -> Response:
    """Says what an address is, or takes it back."""
    known = queries.known_address(address)
    return await _decide("address", known, f"/sources/{quote(known)}")


@blueprint.post("/services/<service_id>/decision")
@needs(Scope.ADMIN)
@on_loop
async def decide_service(service_id: str) -> Response:
    """The same for a service."""
    entry = known_service(backend().services.catalogue, service_id)
    return await _decide("service", entry.id, f"/sources/services/{entry.id}")


async def _detail(entry: Service, period: Period, domain: str | None, *, whole: bool) -> ServiceDetail | None:
    back = backend()
    ask = back.recent.answer if whole else back.recent.answer_soon
    asked = ("service", entry.id, period.since, period.until, domain)
    return await ask(asked, lambda: service_detail(back.database, entry, period, domain))


def _charted(detail: ServiceDetail | None, here: dict[str, str]) -> dict[str, Any]:
    if detail is None:
        return {"detail": None, "chart": None}
    own = {"by": "address", "service": detail.id, **{name: here[name] for name in ("domain",) if name in here}}
    shown = ShownPeriod(detail.since, detail.until)
    chart = alignment_over_time(detail.days, shown, leads_to=f"/sources?{urlencode(own)}")
    return {"detail": detail, "chart": chart, "stacked_bars": stacked_bars}


async def _decide(kind: str, target: str, path: str) -> Response:
    sent, database = form(), backend().database
    domain = sent.get("domain")
    if sent.get("decision") == "none":
        with suppress(NotFound):  # nothing was said, and nothing is now
            await standing.take_back(database, kind, target, domain, who=who())
        return told(path, "undecided")
    if sent.get("decision") not in set(Standing):
        raise Invalid('Choose "ours", "not ours", "ignore" or "no decision".', title="Choose an answer")
    try:
        decision = StandingRequest(standing=Standing(sent["decision"]), note=sent.get("note", ""), domain=domain)
    except ValidationError as error:
        raise Invalid(error.errors()[0]["msg"], title="This cannot be kept") from None
    await standing.say(database, kind, target, decision, who=who())
    return told(path, "decided")
