"""Settings > IMAP Integration: the mailboxes and what can be done with them; add, change and remove one."""

from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.mailboxes import actions, failed_actions, store, switch
from config_api.mailboxes import form as mailbox_form
from config_api.mailboxes.changes import patched
from config_api.mailboxes.form import MailboxForm
from config_api.mailboxes.form_page import form_page, sent_form, stored_form
from config_api.mailboxes.model import MailboxInput, MailboxView
from config_api.mailboxes.wording import differing
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.problem import Problem
from config_api.web.validation import validated

LIST = "/settings/mailboxes"

blueprint = Blueprint("mailboxes", __name__, url_prefix=LIST)


@blueprint.get("")
@needs(Scope.READ)
def listing() -> str:
    """All mailboxes with their state."""
    back = backend()
    is_on, mailboxes = back.run(switch.is_on(back)), back.run(store.all(back))
    return render_template("mailboxes/list.html", mailboxes=mailboxes, is_on=is_on)


@blueprint.post("/pause", defaults={"on": False})
@blueprint.post("/resume", defaults={"on": True})
@needs(Scope.OPERATE)
def turn(on: bool) -> Response:
    """Pauses or resumes all mailboxes at once."""
    backend().run(switch.turn(backend(), on=on, who=who()))
    return told(LIST, "all-resumed" if on else "all-paused")


@blueprint.get("/new")
@needs(Scope.ADMIN)
def ask_new() -> str:
    """An empty form."""
    return form_page(MailboxForm(mailbox_form.blank()))


@blueprint.post("")
@needs(Scope.ADMIN)
def create() -> Response | tuple[str, int]:
    """Saves a new mailbox, or shows what is wrong with it."""
    values = mailbox_form.read(request.form)
    try:
        wanted = validated(MailboxInput, patched({}, values | mailbox_form.secrets_of(request.form)))
        backend().run(store.create(backend(), wanted, who=who()))
    except Problem as problem:
        if problem.status != 422:
            raise
        return form_page(sent_form(values, None, errors=problem.errors)), 422
    return told(LIST, "added")


@blueprint.get("/<mailbox_id>")
@needs(Scope.ADMIN)
def ask_change(mailbox_id: str) -> str:
    """The form of a mailbox."""
    stored = _stored(mailbox_id)
    return form_page(stored_form(stored), stored=stored)


@blueprint.post("/<mailbox_id>")
@needs(Scope.ADMIN)
def change(mailbox_id: str) -> Response | tuple[str, int]:
    """Saves a change; shows both versions when somebody else was faster."""
    values = mailbox_form.read(request.form)
    version = mailbox_form.version_of(request.form)
    changes = values | mailbox_form.secrets_of(request.form)
    try:
        backend().run(store.change(backend(), mailbox_id, changes, if_version=version, who=who()))
    except Problem as problem:
        return _not_saved(mailbox_id, values, problem)
    return told(LIST, "saved")


@blueprint.get("/<mailbox_id>/delete")
@needs(Scope.ADMIN)
def ask_remove(mailbox_id: str) -> str:
    """Asks whether the mailbox is to be removed."""
    return render_template("mailboxes/delete.html", mailbox=_stored(mailbox_id))


@blueprint.post("/<mailbox_id>/delete")
@needs(Scope.ADMIN)
def remove(mailbox_id: str) -> Response:
    """Removes it; its reports and its history stay."""
    backend().run(store.remove(backend(), mailbox_id, if_version=None, who=who()))
    return told(LIST, "removed")


@blueprint.post("/<mailbox_id>/<any(fetch, pause, resume, backfill, 'retry-actions'):what>")
@needs(Scope.OPERATE)
def act(mailbox_id: str, what: str) -> Response:
    """Fetch now, pause, resume, read the whole folder again, or retry what the mail server refused to do."""
    doing, done = _ACTS[what]
    try:
        backend().run(doing(backend(), mailbox_id, who=who()))
    except Problem as problem:
        if problem.status not in _REFUSED:
            raise
        return told(LIST, _REFUSED[problem.status])
    return told(LIST, done)


_ACTS: dict[str, tuple[Any, str]] = {
    "fetch": (actions.fetch_now, "fetching"),
    "pause": (actions.pause, "paused"),
    "resume": (actions.resume, "resumed"),
    "backfill": (actions.backfill, "reading-again"),
    "retry-actions": (failed_actions.retry_all, "action-retried"),
}
_REFUSED = {409: "is-paused", 503: "no-fetcher"}


def _stored(mailbox_id: str) -> MailboxView:
    return backend().run(store.get(backend(), mailbox_id))


def _not_saved(mailbox_id: str, values: mailbox_form.Values, problem: Problem) -> tuple[str, int]:
    if problem.status not in (412, 422):
        raise problem
    stored = _stored(mailbox_id)
    if problem.status == 422:
        return form_page(sent_form(values, stored, errors=problem.errors), stored=stored), 422
    rows = differing(stored.model_dump(mode="json"), values)
    return form_page(stored_form(stored, values), stored=stored, conflict=rows), 412
