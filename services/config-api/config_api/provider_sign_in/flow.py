"""A sign-in from its beginning to the saved mailbox: nothing is saved before the provider has agreed.

The code goes to a fetcher, which alone has a way out; the refresh token comes back sealed, for this mailbox as it is to
be.
"""

from secrets import token_hex
from typing import Any

from pydantic import ValidationError

from config_api.backend import Backend
from config_api.errors import Conflict, FieldError, Unavailable, invalid
from config_api.mailboxes import store
from config_api.mailboxes.changes import expect_sound, merged, patched
from config_api.mailboxes.model import MailboxInput
from config_api.provider_sign_in import pending
from config_api.provider_sign_in.pending import Wanted
from config_api.web.validation import validated
from pipeline.contracts.authorization import SignIn
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.oauth import OAuthGrant, OAuthProvider, OAuthSettings
from pipeline.contracts.topology import AUTHORIZE_SUBJECT
from pipeline.jetstream.authorization import CodeExchange, CodeExchanged
from pipeline.jetstream.mailboxes import SealedMailbox, unseal
from pipeline.jetstream.requests import NobodyAnswers, request
from pipeline.secrets import BadSecretKey

TIMEOUT = 20.0  # seconds; a fetcher waits 15 for the provider
NOT_SIGNED_IN = "Not signed in, and nothing was saved"

# A mailbox signs in in one way: what it had for another one is forgotten.
FORGOTTEN: dict[str, Any] = {"password": None, "access_token": None, "refresh_token": None}


async def begin(backend: Backend, wanted: Wanted, *, redirect_uri: str, session: str) -> str:
    """Where the browser is to go. Raises NotFound, Invalid (before anybody signs in for nothing), Conflict."""
    mailbox = await _filled_in(backend, wanted)
    oauth = _expect_sign_in(mailbox)
    sign_in = SignIn(redirect_uri)
    await pending.keep(backend, wanted, sign_in, session=session)
    return sign_in.link(oauth, username=mailbox.settings.username)


async def finish(backend: Backend, wanted: Wanted, sign_in: SignIn, code: str, *, who: str) -> str:
    """Exchanges the code and saves the mailbox; gives its id.

    Raises Conflict (the provider did not agree), Unavailable (no fetcher runs), Changed, NotFound, Invalid.
    """
    mailbox = await _filled_in(backend, wanted)
    patch = wanted.values | wanted.secrets | FORGOTTEN
    patch["refresh_token"] = await _exchanged(backend, mailbox, sign_in, code)
    if wanted.mailbox_id is None:
        return (await store.create(backend, validated(MailboxInput, patched({}, patch)), who=who)).id
    return (await store.change(backend, wanted.mailbox_id, patch, if_version=wanted.version, who=who)).id


async def _filled_in(backend: Backend, wanted: Wanted) -> Mailbox:
    """The mailbox as it is to be, under an id of its own as long as it has none."""
    changes = wanted.values | wanted.secrets | FORGOTTEN
    if wanted.mailbox_id is None:
        after = validated(MailboxInput, patched({}, changes))
    else:
        saved = await store.secret_of(backend, wanted.mailbox_id)
        after = merged(saved.settings, saved.secrets, changes)
    expect_sound(after.settings)
    mailbox_id = wanted.mailbox_id or f"sign-in-{token_hex(8)}"
    return Mailbox(id=mailbox_id, version=0, settings=after.settings, secrets=after.secrets)


def _expect_sign_in(mailbox: Mailbox) -> OAuthSettings:
    """The settings that a person can sign in with. Raises Invalid, each error at its field."""
    oauth = mailbox.settings.oauth
    if oauth is None or oauth.grant is not OAuthGrant.REFRESH_TOKEN:
        raise invalid(FieldError(field="oauth.grant", text="Choose the refresh token: a person signs in once."))
    if not oauth.authorization_url:
        text = "Enter the address of the provider's sign-in page."
        raise invalid(FieldError(field="oauth.authorization_endpoint", text=text))
    if oauth.provider is OAuthProvider.GOOGLE and not mailbox.secrets.client_secret:
        raise invalid(FieldError(field="client_secret", text="Enter the client secret: Google asks for it."))
    return oauth


async def _exchanged(backend: Backend, mailbox: Mailbox, sign_in: SignIn, code: str) -> str:
    """The refresh token."""
    wanted = CodeExchange.of(mailbox, sign_in, code, backend.keys).model_dump_json().encode()
    try:
        answer = await request(backend.bus.client, AUTHORIZE_SUBJECT, wanted, timeout=TIMEOUT)
    except NobodyAnswers:
        raise Unavailable("The provider is asked by a fetcher; start one.", title="No fetcher is running") from None
    try:
        exchanged = CodeExchanged.model_validate_json(answer)
        if not exchanged.secret:
            raise Conflict(_sentence(exchanged.detail), title=NOT_SIGNED_IN)
        sealed = SealedMailbox(id=mailbox.id, version=0, settings=mailbox.settings, secret=exchanged.secret)
        return unseal(sealed, backend.keys).secrets.refresh_token.get_secret_value()
    except (BadSecretKey, ValidationError):
        raise Conflict("The fetcher's answer cannot be read.", title=NOT_SIGNED_IN) from None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ")")) else ".")
