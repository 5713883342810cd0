"""The settings form of a mailbox: new or stored, with faults, with a test's result, with another person's version."""

from collections.abc import Sequence
from dataclasses import replace

from flask import Blueprint, request
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import Changed, FieldError, Invalid
from config_api.mailboxes import actions, store
from config_api.mailboxes import form as mailbox_form
from config_api.mailboxes.changes import patched
from config_api.mailboxes.form import MailboxForm, Values
from config_api.mailboxes.model import MailboxInput, MailboxView
from config_api.mailboxes.wording import Change, differing
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.validation import validated
from config_api.web.view import Template, on_loop, template
from pipeline.contracts.connection_test import ConnectionTest
from pipeline.contracts.setting import Section

LIST = "/settings/mailboxes"
PLACES = {"attention": "/attention"}  # where somebody goes back to who came from there to change a setting
TEST_TIMEOUT = actions.TEST_TIMEOUT + 5  # seconds

blueprint = Blueprint("mailbox_form", __name__, url_prefix=LIST)

Page = Template | tuple[Template, int]


@blueprint.get("/new")
@needs(Scope.ADMIN)
def ask_new() -> str:
    """An empty form."""
    return form_page(MailboxForm(mailbox_form.blank())).rendered()


@blueprint.post("")
@needs(Scope.ADMIN)
@on_loop
async def create() -> Response | Page:
    """Saves a new mailbox, or shows what is wrong with it."""
    values = mailbox_form.read(request.form)
    try:
        wanted = validated(MailboxInput, patched({}, values | mailbox_form.secrets_of(request.form)))
        await store.create(backend(), wanted, who=who())
    except Invalid as wrong:
        return form_page(sent_form(values, None, errors=wrong.errors)), 422
    return told(LIST, "added")


@blueprint.get("/<mailbox_id>")
@needs(Scope.ADMIN)
@on_loop
async def ask_change(mailbox_id: str) -> Template:
    """The form of a mailbox."""
    stored = await store.get(backend(), mailbox_id)
    return form_page(stored_form(stored), stored=stored)


@blueprint.post("/<mailbox_id>")
@needs(Scope.ADMIN)
@on_loop
async def change(mailbox_id: str) -> Response | Page:
    """Saves a change; shows both versions when somebody else was faster."""
    values = mailbox_form.read(request.form)
    version = mailbox_form.version_of(request.form)
    changes = values | mailbox_form.secrets_of(request.form)
    try:
        await store.change(backend(), mailbox_id, changes, if_version=version, who=who())
    except Invalid as wrong:
        stored = await store.get(backend(), mailbox_id)
        return form_page(sent_form(values, stored, errors=wrong.errors), stored=stored), 422
    except Changed:
        return await conflicting(mailbox_id, values)
    return told(PLACES.get(_back_to(), LIST), "saved")


@blueprint.post("/test")
@needs(Scope.ADMIN)
@on_loop(timeout=TEST_TIMEOUT)
async def test_new() -> Page:
    """Tests a mailbox that is not saved yet."""
    values = mailbox_form.read(request.form)
    try:
        wanted = validated(MailboxInput, patched({}, values | mailbox_form.secrets_of(request.form)))
        tested = await actions.try_unsaved(backend(), wanted, who=who())
    except Invalid as wrong:
        return form_page(sent_form(values, None, errors=wrong.errors), not_tested=True), 422
    return form_page(sent_form(values, None, folders=tested.folders), tested=tested)


@blueprint.post("/<mailbox_id>/test")
@needs(Scope.ADMIN)
@on_loop(timeout=TEST_TIMEOUT)
async def test_stored(mailbox_id: str) -> Page:
    """Tests a saved mailbox with the changes that were typed; the saved password goes to the saved server only."""
    stored = await store.get(backend(), mailbox_id)
    values = mailbox_form.read(request.form)
    changes = values | mailbox_form.secrets_of(request.form)
    try:
        tested = await actions.try_saved(backend(), mailbox_id, changes, who=who())
    except Invalid as wrong:
        return form_page(sent_form(values, stored, errors=wrong.errors), stored=stored, not_tested=True), 422
    return form_page(sent_form(values, stored, folders=tested.folders), stored=stored, tested=tested)


def stored_form(stored: MailboxView, values: Values | None = None) -> MailboxForm:
    """The form of a mailbox as it is stored, or with other values on top of that version."""
    shown = stored.model_dump(mode="json") if values is None else values
    return MailboxForm(shown, mailbox_id=stored.id, version=stored.version, saved=stored.saved_secrets)


def sent_form(
    values: Values,
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
    sign_in_fault: str = "",
) -> Template:
    """The page. `conflict` says of each field that somebody else changed what is stored now, and what was typed;
    `not_tested`, that the form's errors are the answer to Test Connection; `sign_in_fault`, why a sign-in with the
    provider failed.
    """
    return template(
        "mailboxes/form.html",
        form=form,
        stored=stored,
        tested=tested,
        conflict=conflict,
        not_tested=not_tested,
        sign_in_fault=sign_in_fault,
        redirect_uri=redirect_uri(),
        back_to=_back_to(),
        sections=tuple(Section),
        fields_of=mailbox_form.fields_of,
    )


def redirect_uri() -> str:
    """Where a mail provider is to send the browser back to."""
    return f"{(backend().settings.public_url or request.host_url).rstrip('/')}/oauth/callback"


async def conflicting(mailbox_id: str, values: Values) -> Page:
    """The form with what was typed, on top of what somebody else has saved meanwhile, and what differs."""
    stored = await store.get(backend(), mailbox_id)
    rows = differing(stored.model_dump(mode="json"), values)
    return form_page(stored_form(stored, values), stored=stored, conflict=rows), 412


def _back_to() -> str:
    """One of PLACES by its name; "" for the list."""
    name = request.values.get("to", "")
    return name if name in PLACES else ""
