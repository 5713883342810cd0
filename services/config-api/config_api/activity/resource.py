"""What happened: fetch runs, settings changes, the IMAP connection log."""

from flask import Blueprint

from config_api.access.scopes import Scope
from config_api.activity import queries as activity
from config_api.activity.queries import ActivityEntry, ActivityLine, EntryFilter, FetchRun
from config_api.backend import backend
from config_api.mailboxes import store
from config_api.web.bodies import EntryQuery, LogQuery, RunQuery
from config_api.web.contract import PREFIX, operation
from config_api.web.paging import Page, PageQuery

routes = Blueprint("api_activity", __name__, url_prefix=PREFIX)


@routes.get("/activity")
@operation(Scope.READ, gives=Page[ActivityEntry])
def list_activity(query: EntryQuery) -> Page[ActivityEntry]:
    """Fetch runs and settings changes of all mailboxes, newest first."""
    back = backend()
    return back.run(activity.entries(back.database, query, limit=query.limit, cursor=query.cursor))


@routes.get("/mailboxes/<mailbox_id>/activity")
@operation(Scope.READ, gives=Page[ActivityEntry], fails=(404,))
def list_mailbox_activity(mailbox_id: str, query: PageQuery) -> Page[ActivityEntry]:
    """Fetch runs and settings changes of one mailbox, newest first."""
    back = backend()
    back.run(store.get(back, mailbox_id))
    about = EntryFilter(mailbox_id=mailbox_id)
    return back.run(activity.entries(back.database, about, limit=query.limit, cursor=query.cursor))


@routes.get("/runs")
@operation(Scope.READ, gives=Page[FetchRun])
def list_runs(query: RunQuery) -> Page[FetchRun]:
    """Fetch runs, newest first."""
    back = backend()
    return back.run(activity.runs(back.database, query, limit=query.limit, cursor=query.cursor))


@routes.get("/logs")
@operation(Scope.READ, gives=Page[ActivityLine])
def list_logs(query: LogQuery) -> Page[ActivityLine]:
    """The IMAP connection log, or with `source` another one, newest first; live at /api/v1/events/stream."""
    back = backend()
    return back.run(activity.find(back.database, query, limit=query.limit, cursor=query.cursor))
