"""Answers whoever signed a person in with a provider: the code is exchanged for a refresh token here.

config-api asks over the bus, and any fetcher may answer: it has a way out, through the mailbox's proxy if there is one.
"""

from contextlib import AbstractAsyncContextManager

import structlog
from pydantic import SecretStr, ValidationError

from fetcher.oauth import TokenEndpoint, TokenFault, code_form, read_issued
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.topology import AUTHORIZE_SUBJECT
from pipeline.jetstream.authorization import CodeExchange, CodeExchanged
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.mailboxes import seal, unseal
from pipeline.jetstream.requests import serving
from pipeline.secrets import BadSecretKey, Keyring

log = structlog.get_logger(__name__)

QUEUE = "fetcher"
OTHER_KEY = "the fetcher has another DMARQ_SECRET_KEY than config-api: give every service the same"
NO_REFRESH_TOKEN = "the provider gave no refresh token: ask for offline access with the scope"  # noqa: S105 a sentence


def answering_exchanges(bus: Bus, keys: Keyring) -> AbstractAsyncContextManager[None]:
    """Answers while the context lasts."""

    async def answer(payload: bytes) -> bytes:
        return (await _exchanged(payload, keys)).model_dump_json().encode()

    return serving(bus.client, AUTHORIZE_SUBJECT, answer, queue=QUEUE)


async def _exchanged(payload: bytes, keys: Keyring) -> CodeExchanged:
    try:
        wanted = CodeExchange.model_validate_json(payload)
        mailbox = unseal(wanted.mailbox, keys)
        code, verifier = wanted.opened(keys)
    except (BadSecretKey, ValidationError) as error:
        log.warning("sign_in_unreadable", error=type(error).__name__)
        return CodeExchanged(category=Category.AUTHENTICATION, detail=OTHER_KEY)
    try:
        signed_in = await _signed_in(mailbox, code, verifier, wanted.redirect_uri)
    except TokenFault as fault:
        log.warning("sign_in_failed", category=fault.category, detail=fault.detail[:500])
        return CodeExchanged(category=fault.category, detail=fault.detail)
    log.info("signed_in_with_provider", mailbox_id=mailbox.id)
    return CodeExchanged(secret=seal(signed_in, keys).secret)


async def _signed_in(mailbox: Mailbox, code: str, verifier: str, redirect_uri: str) -> Mailbox:
    """The mailbox with the refresh token that the code stands for. Raises TokenFault."""
    oauth, secrets = mailbox.settings.oauth, mailbox.secrets
    if oauth is None:
        raise TokenFault(Category.AUTHENTICATION, "the mailbox has no OAuth 2 settings")
    endpoint = TokenEndpoint(mailbox.settings.proxy, proxy_password=secrets.proxy_password.get_secret_value())
    form = code_form(
        oauth,
        code=code,
        verifier=verifier,
        redirect_uri=redirect_uri,
        client_secret=secrets.client_secret.get_secret_value(),
    )
    issued = read_issued(*await endpoint.ask(oauth.token_url, form))
    if not issued.refresh_token:
        raise TokenFault(Category.AUTH_EXPIRED, NO_REFRESH_TOKEN)
    kept = secrets.model_copy(update={"refresh_token": SecretStr(issued.refresh_token)})
    return mailbox.model_copy(update={"secrets": kept})
