"""Domains: the list, and one domain with all that reports say of it and whether it may be stricter.

What the domain is ready for takes longer where it has very many sources; it comes after the page then.
"""

import asyncio
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from flask import Blueprint
from werkzeug.wrappers import Response

from config_api.access.scopes import Scope
from config_api.backend import Backend, backend
from config_api.domains import dns, queries
from config_api.domains import words as domain_words
from config_api.domains.ready import readiness_of
from config_api.domains.shapes import DnsAnswer, DomainDay, DomainDetail, DomainFilter, ReadinessAnswer, TlsDay
from config_api.errors import Unavailable
from config_api.sources import words
from config_api.sources.shapes import MAX_DAYS, Period
from config_api.web.bars import alignment_over_time, bars_of
from config_api.web.charts import Series, share_bar, stacked_bars
from config_api.web.needs import needs, within_domains
from config_api.web.notes import told
from config_api.web.period import Period as ShownPeriod
from config_api.web.period import chosen, period_of
from config_api.web.view import Template, on_loop, query, template
from pipeline.sources import readiness

PAGE_SIZE = 50
DEFAULT_DAYS = 90
CHOICES = {"30": "30 days", "90": "90 days", "365": "1 year"}
TIMEOUT = 30  # seconds: a domain of very many sources
ASK_TIMEOUT = 40  # seconds; a fetcher answers within 30, or none does
DISPOSITIONS = (Series("pass", "Delivered"), Series("warn", "Quarantined"), Series("fail", "Rejected"))
TLS = (Series("pass", "Encrypted"), Series("fail", "Failed"))
LIMITS = {
    "days": readiness.MIN_DAYS,
    "reporters": readiness.MIN_REPORTERS,
    "messages": readiness.MIN_MESSAGES,
    "lost": readiness.MOST_LOST,
}

blueprint = Blueprint("domains", __name__, url_prefix="/domains")


@blueprint.get("")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def listing() -> Template:
    """The list, those with most messages first."""
    here = query()
    wanted = DomainFilter(q=here.get("q"))
    found = await queries.find(backend().database, wanted, limit=PAGE_SIZE, cursor=here.get("cursor"))
    return template("domains/list.html", found=found, here=here, words_of=words, share_bar=share_bar)


@blueprint.get("/<name>")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def one(name: str) -> Template:
    """One domain."""
    here = query()
    whole = here.pop("whole", None) is not None
    asked, fault = _asked(here)
    found, ready, in_dns = await _read(backend(), name, asked, here, whole=whole)
    period = ShownPeriod(found.since, found.until, fault)
    reports = f"/reports?{urlencode({'kind': 'aggregate', 'domain': found.domain})}"
    return template(
        "domains/one.html",
        domain=found,
        ready=ready,
        dns=in_dns,
        dns_hours=backend().settings.dns_hours,
        dns_changes=domain_words.changes(in_dns),
        domain_words=domain_words,
        alignment=alignment_over_time(found.days, period, leads_to=reports),
        dispositions=bars_of(found.days, period, _dispositions, DISPOSITIONS, leads_to=reports),
        tls=bars_of(found.tls, period, _tls, TLS, leads_to=_tls_reports(found.domain), noun="sessions"),
        subdomains=[each for each in found.from_domains if each.name != found.domain],
        period=period,
        choices=CHOICES,
        chosen=None if fault else chosen(here, default=DEFAULT_DAYS),
        here=here,
        limits=LIMITS,
        words_of=words,
        share_bar=share_bar,
        stacked_bars=stacked_bars,
    )


@blueprint.get("/<name>/readiness")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def ready_for(name: str) -> Template:
    """A part of that page, for one that came without it."""
    found = await _ready(backend(), name, whole=True)
    return template("domains/readiness.html", ready=found, limits=LIMITS, domain_words=domain_words)


@blueprint.post("/<name>/dns")
@needs(Scope.ADMIN)
@on_loop(timeout=ASK_TIMEOUT)
async def ask_dns(name: str) -> Response:
    """Has a fetcher ask DNS now, and shows what it found."""
    path = f"/domains/{quote(name, safe='')}"
    try:
        await dns.ask(backend(), name)
    except Unavailable:
        return told(path, "dns-no-fetcher")
    return told(path, "dns-asked")


def _asked(here: dict[str, str]) -> tuple[Period, str]:
    """The days of one's own, and what is wrong with what was asked for; the usual ones then."""
    period = period_of(here, datetime.now(UTC).date(), default=DEFAULT_DAYS, most=MAX_DAYS)
    if period.fault or ("since" not in here and "until" not in here):
        return Period(), period.fault
    return Period(since=period.since, until=period.until), ""


async def _read(
    services: Backend, name: str, asked: Period, here: dict[str, str], *, whole: bool
) -> tuple[DomainDetail, ReadinessAnswer | None, DnsAnswer]:
    days = here.get("days", "")
    back = int(days) if days in CHOICES else DEFAULT_DAYS
    return await asyncio.gather(
        queries.get(services.database, name, asked, days=back),
        _ready(services, name, whole=whole),
        dns.latest(services.database, name),
    )


async def _ready(services: Backend, name: str, *, whole: bool) -> ReadinessAnswer | None:
    ask = services.recent.answer if whole else services.recent.answer_soon
    catalogue = services.services.catalogue
    return await ask(("readiness", name), lambda: readiness_of(services.database, catalogue, name))


def _tls_reports(domain: str) -> str:
    return f"/reports?{urlencode({'kind': 'tls', 'domain': domain}, quote_via=quote)}"


def _dispositions(day: DomainDay) -> tuple[int, int, int]:
    return day.messages - day.quarantined - day.rejected, day.quarantined, day.rejected


def _tls(day: TlsDay) -> tuple[int, int]:
    return day.successful, day.failed
