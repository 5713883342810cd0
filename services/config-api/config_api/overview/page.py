"""The overview: what needs attention, messages and pass rate over time, by domain, source and reporter.

To add up the sources of a long period takes longer than anybody likes to wait for a page. So where they are not there
at once the page comes without them, and they come after it (`static/js/later.js`), or with `?whole=yes` with it. The
same holds for what needs attention.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Blueprint, request

from config_api.access.scopes import Scope
from config_api.backend import Backend, backend
from config_api.mailboxes import store
from config_api.mailboxes.model import MailboxView
from config_api.overview import attention, summary
from config_api.overview.attention import Item
from config_api.overview.sources import SourceTotal
from config_api.overview.summary import PeriodSums, SummaryFilter
from config_api.web.bars import passed_and_failed
from config_api.web.charts import share_bar, stacked_bars
from config_api.web.needs import needs, within_domains
from config_api.web.period import ALL, CHOICES, Period, Span, chosen, period_of
from config_api.web.view import Template, on_loop, query, template

TIMEOUT = 30  # seconds: a long period of very many sources, where somebody waits for them
ATTENTION = "attention"
YEAR = timedelta(days=364)

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def index() -> Template:
    """The page of a period, perhaps of one domain."""
    services, here = backend(), query()
    whole = here.pop("whole", None) is not None
    domain = here.get("domain")
    period = await _period(services, here)
    frame = {"period": period, "chosen": chosen(here), "choices": CHOICES, "domain": domain, "here": here}
    if period.fault:
        return template("overview/refused.html", **frame)
    found, sources, mailboxes, items = await _read(services, _wanted(period, domain), whole=whole)
    is_empty = not (found.totals.reports or found.totals.messages)
    return template(
        "overview/index.html",
        **frame,
        found=found,
        sources=sources,
        mailboxes=mailboxes,
        in_trouble=[mailbox for mailbox in mailboxes if mailbox.state.word == "error"],
        attention=items,
        elsewhere=await _elsewhere(services, domain) if is_empty else None,
        chart=passed_and_failed(found.days, period, leads_to=_reports_of(domain)),
        stacked_bars=stacked_bars,
        share_bar=share_bar,
    )


@blueprint.get("/overview/sources")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def sources() -> Template:
    """A part of that page, for one that came without it."""
    wanted = _wanted(period_of(request.args, datetime.now(UTC).date()), query().get("domain"))
    services = backend()
    found = await summary.sources(services.database, wanted, recent=services.recent)
    return template("overview/sources.html", sources=found, share_bar=share_bar)


@blueprint.get("/overview/attention")
@within_domains
@needs(Scope.READ)
@on_loop(timeout=TIMEOUT)
async def needs_attention() -> Template:
    """Another part, likewise."""
    services = backend()
    known = await services.recent.answer(ATTENTION, lambda: _attention(services))
    return template("overview/attention_items.html", attention=[*await attention.on_the_bus(services), *known])


async def _period(services: Backend, here: dict[str, str]) -> Period:
    span: Span | None = None
    if here.get("days") == ALL:
        span = await summary.span(services.database, here.get("domain"))
    return period_of(here, datetime.now(UTC).date(), span=span)


async def _elsewhere(services: Backend, domain: str | None) -> tuple[Span, Period] | None:
    """All the days that there are reports of, and the last year of them; None without any."""
    span = await summary.span(services.database, domain)
    return (span, Period(max(span.first, span.last - YEAR), span.last)) if span else None


def _wanted(period: Period, domain: str | None) -> SummaryFilter:
    return SummaryFilter(since=period.since, until=period.until, domain=domain)


def _reports_of(domain: str | None) -> str:
    query = {"kind": "aggregate", "domain": domain} if domain else {"kind": "aggregate"}
    return f"/reports?{urlencode(query)}"


async def _read(
    services: Backend, wanted: SummaryFilter, *, whole: bool
) -> tuple[PeriodSums, list[SourceTotal] | None, list[MailboxView], list[Item] | None]:
    senders = summary.sources if whole else summary.sources_soon
    return await asyncio.gather(
        summary.period_sums(services.database, wanted),
        senders(services.database, wanted, recent=services.recent),
        store.all(services),
        _attention_soon(services, whole=whole) if wanted.domain is None else _nothing(),
    )


async def _attention_soon(services: Backend, *, whole: bool) -> list[Item] | None:
    ask = services.recent.answer if whole else services.recent.answer_soon
    known = await ask(ATTENTION, lambda: _attention(services))
    return None if known is None else [*await attention.on_the_bus(services), *known]


async def _attention(services: Backend) -> list[Item]:
    return await attention.needs_attention(services.database, services.services.catalogue)


async def _nothing() -> list[Item]:
    """Of one domain its own page tells."""
    return []
