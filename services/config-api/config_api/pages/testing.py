"""Test Connection: tries what is in the form, saved or not, and shows the form again with the result."""

from flask import Blueprint, request

from config_api.backend import backend
from config_api.mailboxes import checks, store
from config_api.mailboxes.changes import patched
from config_api.mailboxes.model import MailboxInput, MailboxView
from config_api.pages import mailbox_form
from config_api.pages.mailbox_page import form_page, sent_form
from config_api.problem import Problem
from config_api.validation import validated
from pipeline.connection import ConnectionTest

TIMEOUT_S = 25.0

blueprint = Blueprint("testing", __name__, url_prefix="/settings/mailboxes")


@blueprint.post("/test")
def test_new() -> str | tuple[str, int]:
    """Tests a mailbox that is not saved yet."""
    values = mailbox_form.read(request.form)
    try:
        wanted = validated(MailboxInput, patched({}, values | mailbox_form.secrets_of(request.form)))
        tested = backend().run(checks.try_unsaved(backend(), wanted), timeout=TIMEOUT_S)
    except Problem as problem:
        return _refused(values, problem)
    return _result(values, tested)


@blueprint.post("/<mailbox_id>/test")
def test_stored(mailbox_id: str) -> str | tuple[str, int]:
    """Tests a saved mailbox with the changes that were typed; the saved password goes to the saved server only."""
    stored = backend().run(store.get(backend(), mailbox_id))
    values = mailbox_form.read(request.form)
    changes = values | mailbox_form.secrets_of(request.form)
    try:
        tested = backend().run(checks.try_saved(backend(), mailbox_id, changes), timeout=TIMEOUT_S)
    except Problem as problem:
        return _refused(values, problem, stored)
    return _result(values, tested, stored)


def _result(values: mailbox_form.Values, tested: ConnectionTest, stored: MailboxView | None = None) -> str:
    return form_page(sent_form(values, stored, folders=tested.folders), stored=stored, tested=tested)


def _refused(values: mailbox_form.Values, problem: Problem, stored: MailboxView | None = None) -> tuple[str, int]:
    if problem.status != 422:
        raise problem
    return form_page(sent_form(values, stored, errors=problem.errors), stored=stored), 422
