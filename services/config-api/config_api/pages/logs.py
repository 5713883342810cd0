"""Settings > Logs: every step of the IMAP connections, by mailbox, level and time."""

import asyncio
from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template

from config_api.backend import Backend, backend
from config_api.mailboxes import store
from config_api.mailboxes.model import MailboxView
from config_api.pages import words
from config_api.pages.view import query
from config_api.paging import Page
from config_api.reading import activity
from config_api.reading.activity import ActivityFilter, ActivityLine
from pipeline.events import Level

PAGE_SIZE = 200
SPANS = {
    "15": "Last 15 minutes",
    "60": "Last hour",
    "1440": "Last day",
    "10080": "Last 7 days",
}  # minutes
SOURCES = {"imap": "IMAP connections", "settings": "Settings changes", "all": "Everything"}

blueprint = Blueprint("logs", __name__, url_prefix="/settings/logs")


@blueprint.get("")
def lines() -> str:
    """The page; the newest line first."""
    here = query()
    found, mailboxes = backend().run(_read(backend(), here))
    names = {mailbox.id: mailbox.name for mailbox in mailboxes}
    return render_template(
        "logs/lines.html", found=found, here=here, names=names, spans=SPANS, sources=SOURCES, levels=words.LEVELS
    )


async def _read(services: Backend, here: dict[str, str]) -> tuple[Page[ActivityLine], list[MailboxView]]:
    span, level = here.get("span", ""), here.get("level")
    wanted = ActivityFilter(
        mailbox_id=here.get("mailbox_id"),
        source=here.get("source", "imap") if here.get("source") != "all" else None,
        level=Level(level) if level in words.LEVELS else None,
        since=datetime.now(UTC) - timedelta(minutes=int(span)) if span in SPANS else None,
        q=here.get("q"),
    )
    return await asyncio.gather(
        activity.find(services.database, wanted, limit=PAGE_SIZE, cursor=here.get("cursor")),
        store.all(services),
    )
