"""The activity log of a mailbox: its fetch runs, and who changed which setting."""

import asyncio
from collections.abc import Sequence

from flask import Blueprint

from config_api.access.scopes import Scope
from config_api.activity import queries as activity
from config_api.activity.queries import ActivityFilter, FetchRun, RunFilter
from config_api.backend import backend
from config_api.mailboxes import store
from config_api.web.needs import needs
from config_api.web.position import position_of
from config_api.web.view import Template, on_loop, query, template
from pipeline.contracts.connection_test import Category
from pipeline.contracts.events import FetchTrigger

PAGE_SIZE = 15
CHANGES = 10

blueprint = Blueprint("activity", __name__, url_prefix="/settings/mailboxes")


@blueprint.get("/<mailbox_id>/activity")
@needs(Scope.READ)
@on_loop
async def runs(mailbox_id: str) -> Template:
    """The page."""
    here, database = query(), backend().database
    mailbox = await store.get(backend(), mailbox_id)
    found, changes = await asyncio.gather(
        activity.runs(database, RunFilter(mailbox_id=mailbox_id), limit=PAGE_SIZE, cursor=here.get("cursor")),
        activity.find(database, ActivityFilter(mailbox_id=mailbox_id, source="settings"), limit=CHANGES, cursor=None),
    )
    return template(
        "mailboxes/activity.html",
        mailbox=mailbox,
        found=found,
        changes=changes.items,
        here=here,
        position=position_of(here, found, total=None, limit=PAGE_SIZE),
        retries=retries(found.items),
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
