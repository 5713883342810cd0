"""Settings > IMAP Integration: the mailboxes and what can be done with them; remove one."""

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import Conflict, Unavailable
from config_api.mailboxes import actions, store
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.view import Template, on_loop, template

LIST = "/settings/mailboxes"

blueprint = Blueprint("mailboxes", __name__, url_prefix=LIST)


@blueprint.get("")
@needs(Scope.READ)
@on_loop
async def listing() -> Template:
    """All mailboxes with their state."""
    return template("mailboxes/list.html", mailboxes=await store.all(backend()), is_on=await actions.is_on(backend()))


@blueprint.post("/pause", defaults={"on": False})
@blueprint.post("/resume", defaults={"on": True})
@needs(Scope.OPERATE)
@on_loop
async def turn(on: bool) -> Response:
    """Pauses or resumes all mailboxes at once."""
    await actions.turn(backend(), on=on, who=who())
    return told(LIST, "all-resumed" if on else "all-paused")


@blueprint.get("/<mailbox_id>/delete")
@needs(Scope.ADMIN)
@on_loop
async def ask_remove(mailbox_id: str) -> Template:
    """Asks whether the mailbox is to be removed."""
    return template("mailboxes/delete.html", mailbox=await store.get(backend(), mailbox_id))


@blueprint.post("/<mailbox_id>/delete")
@needs(Scope.ADMIN)
@on_loop
async def remove(mailbox_id: str) -> Response:
    """Removes it; its reports and its history stay."""
    await store.remove(backend(), mailbox_id, if_version=None, who=who())
    return told(LIST, "removed")


@blueprint.post("/<mailbox_id>/<any(fetch, pause, resume, backfill, 'retry-actions'):what>")
@needs(Scope.OPERATE)
@on_loop
async def act(mailbox_id: str, what: str) -> Response:
    """Fetch now, pause, resume, read the whole folder again, or retry what the mail server refused to do."""
    doing, done = _ACTS[what]
    try:
        await doing(backend(), mailbox_id, who=who())
    except Conflict:
        return told(LIST, "is-paused")
    except Unavailable:
        return told(LIST, "no-fetcher")
    return told(LIST, done)


_ACTS: dict[str, tuple[Any, str]] = {
    "fetch": (actions.fetch_now, "fetching"),
    "pause": (actions.pause, "paused"),
    "resume": (actions.resume, "resumed"),
    "backfill": (actions.backfill, "reading-again"),
    "retry-actions": (actions.retry_all, "action-retried"),
}
