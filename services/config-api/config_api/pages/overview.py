"""The overview: messages and pass rate over time, by domain, source and reporter, and the state of the mailboxes."""

import asyncio
from datetime import UTC, datetime

from flask import Blueprint, render_template, request

from config_api.backend import Backend, backend
from config_api.mailboxes import store
from config_api.mailboxes.model import MailboxView
from config_api.pages.bars import bars_of
from config_api.pages.charts import share_bar, stacked_bars
from config_api.pages.period import CHOICES, Period, period_of
from config_api.pages.view import query
from config_api.reading import summary
from config_api.reading.summary import Summary, SummaryFilter

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
def index() -> str:
    """The page of a period, perhaps of one domain."""
    today = datetime.now(UTC).date()
    period = period_of(request.args, today)
    domain = query().get("domain")
    found, mailboxes = backend().run(_read(backend(), period, domain))
    return render_template(
        "overview/index.html",
        period=period,
        chosen=period.chosen(today),
        choices=CHOICES,
        domain=domain,
        found=found,
        mailboxes=mailboxes,
        bars=bars_of(found.days, period),
        stacked_bars=stacked_bars,
        share_bar=share_bar,
        here=query(),
    )


async def _read(services: Backend, period: Period, domain: str | None) -> tuple[Summary, list[MailboxView]]:
    wanted = SummaryFilter(since=period.since, until=period.until, domain=domain)
    found = summary.summary(services.database, wanted, recent=services.recent)
    return await asyncio.gather(found, store.all(services))
