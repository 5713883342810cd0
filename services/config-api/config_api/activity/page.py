"""The activity log of a mailbox: its fetch runs, and who changed which setting."""

import asyncio

from flask import Blueprint, render_template

from config_api.activity import queries as activity
from config_api.activity.queries import ActivityFilter, ActivityLine, FetchRun, RunFilter
from config_api.backend import Backend, backend
from config_api.mailboxes import store
from config_api.mailboxes.model import MailboxView
from config_api.web.paging import Page
from config_api.web.view import query

PAGE_SIZE = 50
CHANGES = 20

blueprint = Blueprint("activity", __name__, url_prefix="/settings/mailboxes")


@blueprint.get("/<mailbox_id>/activity")
def runs(mailbox_id: str) -> str:
    """The page."""
    here = query()
    mailbox, found, changes = backend().run(_read(backend(), mailbox_id, here.get("cursor")))
    return render_template("mailboxes/activity.html", mailbox=mailbox, found=found, changes=changes.items, here=here)


async def _read(
    services: Backend, mailbox_id: str, cursor: str | None
) -> tuple[MailboxView, Page[FetchRun], Page[ActivityLine]]:
    database = services.database
    mailbox = await store.get(services, mailbox_id)
    wanted = ActivityFilter(mailbox_id=mailbox_id, source="settings")
    found, changes = await asyncio.gather(
        activity.runs(database, RunFilter(mailbox_id=mailbox_id), limit=PAGE_SIZE, cursor=cursor),
        activity.find(database, wanted, limit=CHANGES, cursor=None),
    )
    return mailbox, found, changes
