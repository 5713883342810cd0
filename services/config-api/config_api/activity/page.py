"""The activity log of a mailbox: its fetch runs, and who changed which setting; Settings > Logs: every step of the
IMAP connections, by mailbox, level and time."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask import Blueprint

from config_api.access.scopes import Scope
from config_api.activity import queries as activity
from config_api.activity.queries import ActivityFilter, ActivityLine, FetchRun, RunFilter
from config_api.activity.sentences import rest_of, sentence_of
from config_api.backend import backend
from config_api.mailboxes import store
from config_api.web import words
from config_api.web.needs import needs
from config_api.web.position import position_of
from config_api.web.view import Template, on_loop, query, template
from pipeline.contracts.connection_test import Category
from pipeline.contracts.events import FetchTrigger, Level

RUNS = 15
CHANGES = 10

LINES = 50
SPANS = {
    "15": "Last 15 minutes",
    "60": "Last hour",
    "1440": "Last day",
    "10080": "Last 7 days",
}  # minutes
SOURCES = {"imap": "IMAP connections", "settings": "Settings changes", "all": "Everything"}
UNTOLD = frozenset({"who", "fields"})  # the text of a change says them

blueprint = Blueprint("activity", __name__)


@blueprint.get("/settings/mailboxes/<mailbox_id>/activity")
@needs(Scope.READ)
@on_loop
async def runs(mailbox_id: str) -> Template:
    """The page."""
    here, database = query(), backend().database
    mailbox = await store.get(backend(), mailbox_id)
    found, changes = await asyncio.gather(
        activity.runs(database, RunFilter(mailbox_id=mailbox_id), limit=RUNS, cursor=here.get("cursor")),
        activity.find(database, ActivityFilter(mailbox_id=mailbox_id, source="settings"), limit=CHANGES, cursor=None),
    )
    return template(
        "mailboxes/activity.html",
        mailbox=mailbox,
        found=found,
        changes=changes.items,
        here=here,
        position=position_of(here, found, total=None, limit=RUNS),
        retries=retries(found.items),
    )


@blueprint.get("/settings/logs")
@needs(Scope.READ)
@on_loop
async def lines() -> Template:
    """The page; the newest line first."""
    here, services = query(), backend()
    level = here["level"] if here.get("level") in words.LEVELS else Level.INFO.value
    found, mailboxes = await asyncio.gather(
        activity.find(services.database, _wanted(here, Level(level)), limit=LINES, cursor=here.get("cursor")),
        store.all(services),
    )
    return template(
        "logs/lines.html",
        found=found,
        here=here,
        level=level,
        names={mailbox.id: mailbox.name for mailbox in mailboxes},
        spans=SPANS,
        sources=SOURCES,
        facts=facts,
        position=position_of(here, found, total=None, limit=LINES),
    )


def retries(newest_first: Sequence[FetchRun]) -> frozenset[str]:
    """Which of these runs were begun by themselves because the run of that folder before them failed."""
    found: set[str] = set()
    failed: dict[str, bool] = {}
    for run in reversed(newest_first):
        if run.trigger == FetchTrigger.POLL and failed.get(run.folder, False):
            found.add(run.run_id)
        failed[run.folder] = run.category != Category.OK
    return frozenset(found)


def facts(line: ActivityLine) -> list[tuple[str, str]]:
    """What a line tells besides its sentence."""
    return rest_of(line.data, sentence_of(line.name, line.data).told | UNTOLD)


def _wanted(here: dict[str, str], level: Level) -> ActivityFilter:
    span = here.get("span", "")
    return ActivityFilter(
        mailbox_id=here.get("mailbox_id"),
        source=here.get("source", "imap") if here.get("source") != "all" else None,
        level=level,
        since=datetime.now(UTC) - timedelta(minutes=int(span)) if span in SPANS else None,
        q=here.get("q"),
    )
