"""The button "Sign in with ..." of a mailbox's form, and where the provider sends the browser back to."""

from flask import Blueprint, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.access.sessions import COOKIE
from config_api.backend import backend
from config_api.errors import Changed, Conflict, FieldError, Invalid, Unavailable
from config_api.mailboxes import form as mailbox_form
from config_api.mailboxes import store
from config_api.mailboxes.form import Form, MailboxForm
from config_api.mailboxes.form_page import LIST, Page, conflicting, form_page, redirect_uri, sent_form
from config_api.provider_sign_in import flow, pending
from config_api.provider_sign_in.pending import Wanted
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.view import Template, on_loop, template
from pipeline.contracts.mailbox_settings import MailboxSecrets
from pipeline.contracts.oauth import OAuthGrant, OAuthProvider

TIMEOUT = flow.TIMEOUT + 5  # seconds
MAX_LENGTH = 8000  # characters of a code
SERVERS = {OAuthProvider.GOOGLE: "imap.gmail.com", OAuthProvider.MICROSOFT: "outlook.office365.com"}
NAMES = {OAuthProvider.GOOGLE: "Google", OAuthProvider.MICROSOFT: "Microsoft", OAuthProvider.CUSTOM: "the provider"}
REFUSALS = {
    "access_denied": "The sign-in was cancelled, or access was refused. Sign in again and agree.",
    "admin_policy_enforced": "The organisation's administrator does not allow this application.",
    "invalid_scope": "The provider does not know the scope. Check it under Advanced.",
    "unauthorized_client": "The provider does not allow this application to sign people in like that.",
}

blueprint = Blueprint("provider_sign_in", __name__)


@blueprint.post(f"{LIST}/sign-in", defaults={"mailbox_id": None})
@blueprint.post(f"{LIST}/<mailbox_id>/sign-in")
@needs(Scope.ADMIN)
@on_loop
async def begin(mailbox_id: str | None) -> Page:
    """Sends the browser to the provider, or shows what is wrong with the form first. Nothing is saved yet."""
    sent, provider = _chosen(request.form)
    stored = None if mailbox_id is None else await store.get(backend(), mailbox_id)
    wanted = Wanted(
        values=mailbox_form.read(sent),
        secrets={name: value for name, value in mailbox_form.secrets_of(sent).items() if name not in flow.FORGOTTEN},
        mailbox_id=mailbox_id,
        version=None if stored is None else mailbox_form.version_of(sent),
    )
    session = request.cookies.get(COOKIE, "")
    try:
        link = await flow.begin(backend(), wanted, redirect_uri=redirect_uri(), session=session)
    except Invalid as wrong:
        return form_page(sent_form(wanted.values, stored, errors=wrong.errors), stored=stored), 422
    # A page and no redirect: the content security policy lets a form lead to no other site, not even by a redirect.
    return template("mailboxes/leaving.html", link=link, provider=NAMES[provider])


@blueprint.get("/oauth/callback")
@needs(Scope.ADMIN)
@on_loop(timeout=TIMEOUT)
async def come_back() -> Response | Page:
    """The browser is back from the provider, with a code or with a refusal."""
    state, code, refusal = (request.args.get(name, "")[:MAX_LENGTH] for name in ("state", "code", "error"))
    wanted, sign_in = await pending.take(backend(), state, session=request.cookies.get(COOKIE, ""))
    if not code:
        return await _not_signed_in(wanted, REFUSALS.get(refusal, "The provider did not agree. Sign in again."))
    try:
        mailbox_id = await flow.finish(backend(), wanted, sign_in, code, who=who())
    except (Conflict, Unavailable) as error:
        return await _not_signed_in(wanted, error.detail)
    except Invalid as wrong:
        return await _not_signed_in(wanted, "", wrong.errors)
    except Changed:
        return await conflicting(wanted.mailbox_id or "", wanted.values)
    return told(f"{LIST}/{mailbox_id}", "signed-in")


def _chosen(sent: Form) -> tuple[Form, OAuthProvider]:
    """The form with what the button means: this provider, and its server where none was typed."""
    name = sent.get("sign_in_with", "")
    provider = OAuthProvider(name) if name in set(OAuthProvider) else OAuthProvider.CUSTOM
    form: Form = MultiDict(sent)
    form["auth"], form["oauth.provider"], form["oauth.grant"] = "xoauth2", provider.value, OAuthGrant.REFRESH_TOKEN
    if not form.get("host", "").strip():
        form["host"] = SERVERS.get(provider, "")
    return form, provider


async def _not_signed_in(wanted: Wanted, fault: str, errors: tuple[FieldError, ...] = ()) -> tuple[Template, int]:
    """The form with what was filled in; the secrets among it have to be typed again."""
    stored = None if wanted.mailbox_id is None else await store.get(backend(), wanted.mailbox_id)
    form = MailboxForm(
        wanted.values,
        mailbox_id=wanted.mailbox_id,
        version=wanted.version,
        saved=() if stored is None else stored.saved_secrets,
        lost=tuple(name for name in MailboxSecrets.model_fields if name in wanted.secrets),
        errors=errors,
    )
    return form_page(form, stored=stored, sign_in_fault=fault), 422
