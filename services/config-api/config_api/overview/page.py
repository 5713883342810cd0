"""The overview: messages and pass rate over time, by domain, source and reporter, and the state of the mailboxes.

To add up the sources of a long period takes longer than anybody likes to wait for a page. So where they are not there
at once the page comes without them, and they come after it (`static/js/later.js`), or with `?whole=yes` with it.
"""

import asyncio
from datetime import UTC, datetime

from flask import Blueprint, render_template, request

from config_api.backend import Backend, backend
from config_api.mailboxes import store
from config_api.mailboxes.model import MailboxView
from config_api.overview import summary
from config_api.overview.sources import SourceTotal
from config_api.overview.summary import PeriodSums, SummaryFilter
from config_api.web.bars import bars_of
from config_api.web.charts import share_bar, stacked_bars
from config_api.web.period import CHOICES, Period, period_of
from config_api.web.view import query

PATIENCE = 30  # seconds for sources that somebody waits for

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
def index() -> str:
    """The page of a period, perhaps of one domain."""
    today = datetime.now(UTC).date()
    period, here = period_of(request.args, today), query()
    whole = here.pop("whole", None) is not None
    domain = here.get("domain")
    reading = _read(backend(), _wanted(period, domain), whole=whole)
    found, sources, mailboxes = backend().run(reading, timeout=PATIENCE if whole else None)
    return render_template(
        "overview/index.html",
        period=period,
        chosen=period.chosen(today),
        choices=CHOICES,
        domain=domain,
        found=found,
        sources=sources,
        mailboxes=mailboxes,
        bars=bars_of(found.days, period),
        stacked_bars=stacked_bars,
        share_bar=share_bar,
        here=here,
    )


@blueprint.get("/overview/sources")
def sources() -> str:
    """A part of that page, for one that came without it."""
    wanted = _wanted(period_of(request.args, datetime.now(UTC).date()), query().get("domain"))
    services = backend()
    found = services.run(summary.sources(services.database, wanted, recent=services.recent), timeout=PATIENCE)
    return render_template("overview/sources.html", sources=found, share_bar=share_bar)


def _wanted(period: Period, domain: str | None) -> SummaryFilter:
    return SummaryFilter(since=period.since, until=period.until, domain=domain)


async def _read(
    services: Backend, wanted: SummaryFilter, *, whole: bool
) -> tuple[PeriodSums, list[SourceTotal] | None, list[MailboxView]]:
    senders = summary.sources if whole else summary.sources_soon
    return await asyncio.gather(
        summary.period_sums(services.database, wanted),
        senders(services.database, wanted, recent=services.recent),
        store.all(services),
    )
