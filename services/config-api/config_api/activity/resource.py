"""What happened, and what happens now: fetch runs, settings changes, the IMAP connection log."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from flask import Blueprint, Response

from config_api.access.scopes import Scope
from config_api.activity import queries as activity
from config_api.activity.queries import (
    ActivityEntry,
    ActivityLine,
    EntryFilter,
    EntryQuery,
    FetchRun,
    LogQuery,
    RunQuery,
    StreamQuery,
)
from config_api.backend import backend
from config_api.backend.feed import Interest
from config_api.mailboxes import store
from config_api.web.api.totals import with_total
from config_api.web.contract import PREFIX, operation
from config_api.web.paging import Page, PageQuery
from pipeline.contracts.events import Level

T = TypeVar("T")

routes = Blueprint("api_activity", __name__, url_prefix=PREFIX)


@routes.get("/activity")
@operation(Scope.READ, gives=Page[ActivityEntry])
async def list_activity(query: EntryQuery) -> Page[ActivityEntry]:
    """Fetch runs and settings changes of all mailboxes, newest first."""
    return await _page(activity.entries, query, query)


@routes.get("/mailboxes/<mailbox_id>/activity")
@operation(Scope.READ, gives=Page[ActivityEntry], fails=(404,))
async def list_mailbox_activity(mailbox_id: str, query: PageQuery) -> Page[ActivityEntry]:
    """Fetch runs and settings changes of one mailbox, newest first."""
    back = backend()
    await store.get(back, mailbox_id)
    about = EntryFilter(mailbox_id=mailbox_id)
    return await _page(activity.entries, about, query)


@routes.get("/runs")
@operation(Scope.READ, gives=Page[FetchRun])
async def list_runs(query: RunQuery) -> Page[FetchRun]:
    """Fetch runs, newest first."""
    return await _page(activity.runs, query, query)


@routes.get("/logs")
@operation(Scope.READ, gives=Page[ActivityLine])
async def list_logs(query: LogQuery) -> Page[ActivityLine]:
    """The IMAP connection log, or with `source` another one, newest first; live at /api/v1/events/stream."""
    return await _page(activity.find, query, query)


@routes.get("/events/stream")
@operation(Scope.READ, media=("text/event-stream",))
def stream_events(query: StreamQuery) -> Response:
    """Events from now on: activity, run, mail_acted, mail_died, report; each with the JSON that lists give for it.

    The stream ends after a minute, or when too many others were opened since: connect again, as browsers do.
    """
    level = Level(query.level) if query.level else None
    interest = Interest(mailbox_id=query.mailbox_id, source=query.source, level=level)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = backend().feed.stream(interest)
    return Response(stream, headers=headers, content_type="text/event-stream", direct_passthrough=True)


async def _page(find: Callable[..., Awaitable[Page[T]]], wanted: Any, query: PageQuery) -> Page[T]:
    database = backend().database

    def read(limit: int, cursor: str | None) -> Awaitable[Page[T]]:
        return find(database, wanted, limit=limit, cursor=cursor)

    return await with_total(await read(query.limit, query.cursor), query, read)
