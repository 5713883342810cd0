"""Settings > Logs: every step of the IMAP connections, by mailbox, level and time."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template
from pydantic import JsonValue

from config_api.activity import queries as activity
from config_api.activity.queries import ActivityFilter, ActivityLine
from config_api.backend import Backend, backend
from config_api.mailboxes import store
from config_api.mailboxes.model import MailboxView
from config_api.web import words
from config_api.web.paging import Page
from config_api.web.view import query
from pipeline.contracts.events import Level

PAGE_SIZE = 200
SPANS = {
    "15": "Last 15 minutes",
    "60": "Last hour",
    "1440": "Last day",
    "10080": "Last 7 days",
}  # minutes
FACTS_FIRST = ("command", "arguments", "result", "ms")
SOURCES = {"imap": "IMAP connections", "settings": "Settings changes", "all": "Everything"}

blueprint = Blueprint("logs", __name__, url_prefix="/settings/logs")


@blueprint.get("")
def lines() -> str:
    """The page; the newest line first."""
    here = query()
    level = here["level"] if here.get("level") in words.LEVELS else Level.INFO.value
    found, mailboxes = backend().run(_read(backend(), here, Level(level)))
    names = {mailbox.id: mailbox.name for mailbox in mailboxes}
    return render_template(
        "logs/lines.html",
        found=found,
        here=here,
        level=level,
        names=names,
        spans=SPANS,
        sources=SOURCES,
        facts=facts,
    )


def facts(data: Mapping[str, JsonValue]) -> list[tuple[str, JsonValue]]:
    """What a line tells besides its text: the command and its end first, the others by name, nothing that is empty."""
    names = [*FACTS_FIRST, *sorted(set(data) - set(FACTS_FIRST))]
    return [(name, data[name]) for name in names if data.get(name) not in (None, "", [], {})]


async def _read(services: Backend, here: dict[str, str], level: Level) -> tuple[Page[ActivityLine], list[MailboxView]]:
    span = here.get("span", "")
    wanted = ActivityFilter(
        mailbox_id=here.get("mailbox_id"),
        source=here.get("source", "imap") if here.get("source") != "all" else None,
        level=level,
        since=datetime.now(UTC) - timedelta(minutes=int(span)) if span in SPANS else None,
        q=here.get("q"),
    )
    return await asyncio.gather(
        activity.find(services.database, wanted, limit=PAGE_SIZE, cursor=here.get("cursor")),
        store.all(services),
    )
