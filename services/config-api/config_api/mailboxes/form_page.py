"""The page that shows the settings form of a mailbox: new or stored, with faults or with a test result."""

from collections.abc import Sequence
from dataclasses import replace

from flask import Blueprint, render_template, request

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.mailboxes import checks, store
from config_api.mailboxes import form as mailbox_form
from config_api.mailboxes.changes import patched
from config_api.mailboxes.form import MailboxForm
from config_api.mailboxes.model import MailboxInput, MailboxView
from config_api.mailboxes.wording import Change
from config_api.web.needs import needs
from config_api.web.problem import FieldError, Problem
from config_api.web.validation import validated
from pipeline.contracts.connection_test import ConnectionTest
from pipeline.contracts.setting import Section


def stored_form(stored: MailboxView, values: mailbox_form.Values | None = None) -> MailboxForm:
    """The form of a mailbox as it is stored, or with other values on top of that version."""
    shown = stored.model_dump(mode="json") if values is None else values
    return MailboxForm(shown, mailbox_id=stored.id, version=stored.version, saved=stored.saved_secrets)


def sent_form(
    values: mailbox_form.Values,
    stored: MailboxView | None,
    *,
    errors: Sequence[FieldError] = (),
    folders: Sequence[str] = (),
) -> MailboxForm:
    """The form as the browser sent it, on top of the version that it was based on."""
    lost = tuple(mailbox_form.secrets_of(request.form))
    form = MailboxForm(values, errors=errors, folders=folders, lost=lost)
    if stored is None:
        return form
    version = mailbox_form.version_of(request.form)
    return replace(form, mailbox_id=stored.id, version=version, saved=stored.saved_secrets)


def form_page(
    form: MailboxForm,
    *,
    stored: MailboxView | None = None,
    tested: ConnectionTest | None = None,
    conflict: Sequence[Change] | None = None,
    not_tested: bool = False,
) -> str:
    """The page. `conflict` says of each field that somebody else changed what is stored now, and what was typed;
    `not_tested`, that the form's errors are the answer to Test Connection.
    """
    return render_template(
        "mailboxes/form.html",
        form=form,
        stored=stored,
        tested=tested,
        conflict=conflict,
        not_tested=not_tested,
        sections=tuple(Section),
        fields_of=mailbox_form.fields_of,
    )


TIMEOUT_S = 25.0

blueprint = Blueprint("testing", __name__, url_prefix="/settings/mailboxes")


@blueprint.post("/test")
@needs(Scope.ADMIN)
def test_new() -> str | tuple[str, int]:
    """Tests a mailbox that is not saved yet."""
    values = mailbox_form.read(request.form)
    try:
        wanted = validated(MailboxInput, patched({}, values | mailbox_form.secrets_of(request.form)))
        tested = backend().run(checks.try_unsaved(backend(), wanted, who=who()), timeout=TIMEOUT_S)
    except Problem as problem:
        return _refused(values, problem)
    return _result(values, tested)


@blueprint.post("/<mailbox_id>/test")
@needs(Scope.ADMIN)
def test_stored(mailbox_id: str) -> str | tuple[str, int]:
    """Tests a saved mailbox with the changes that were typed; the saved password goes to the saved server only."""
    stored = backend().run(store.get(backend(), mailbox_id))
    values = mailbox_form.read(request.form)
    changes = values | mailbox_form.secrets_of(request.form)
    try:
        tested = backend().run(checks.try_saved(backend(), mailbox_id, changes, who=who()), timeout=TIMEOUT_S)
    except Problem as problem:
        return _refused(values, problem, stored)
    return _result(values, tested, stored)


def _result(values: mailbox_form.Values, tested: ConnectionTest, stored: MailboxView | None = None) -> str:
    return form_page(sent_form(values, stored, folders=tested.folders), stored=stored, tested=tested)


def _refused(values: mailbox_form.Values, problem: Problem, stored: MailboxView | None = None) -> tuple[str, int]:
    if problem.status != 422:
        raise problem
    return form_page(sent_form(values, stored, errors=problem.errors), stored=stored, not_tested=True), 422
