"""The code of a sign-in, exchanged by a fetcher: the refresh token comes back sealed, or why there is none."""

import json
from collections.abc import AsyncIterator

import pytest

from fetcher.sign_in_requests import answering_exchanges
from pipeline.contracts.authorization import SignIn
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Mailbox, MailboxSecrets
from pipeline.contracts.topology import AUTHORIZE_SUBJECT
from pipeline.jetstream.authorization import CodeExchange, CodeExchanged
from pipeline.jetstream.mailboxes import SealedMailbox, unseal
from pipeline.jetstream.requests import request
from pipeline.secrets import BadSecretKey, Keyring
from tests.support.keys import OTHER_KEY
from tests.support.providing import KEYS, Provider

SIGN_IN = SignIn("https://dmarq.example/oauth/callback")


@pytest.fixture
async def _answering(provider: Provider) -> AsyncIterator[None]:
    async with answering_exchanges(provider.bus, KEYS):
        yield


def mailbox_of(provider: Provider, **secrets: str) -> Mailbox:
    given = MailboxSecrets.model_validate(secrets)
    return Mailbox(id="reports", version=3, settings=provider.settings(), secrets=given)


async def exchanged(provider: Provider, wanted: CodeExchange) -> CodeExchanged:
    answer = await request(provider.bus.client, AUTHORIZE_SUBJECT, wanted.model_dump_json().encode(), timeout=20)
    return CodeExchanged.model_validate_json(answer)


async def code_for(provider: Provider, sign_in: SignIn) -> str:
    """What a browser that agreed would bring back."""
    return await provider.server.agreed(sign_in.link(provider.server.oauth()))


@pytest.mark.usefixtures("_answering")
async def test_the_refresh_token_opens_only_as_this_mailboxs(provider: Provider) -> None:
    mailbox = mailbox_of(provider, client_secret="s", proxy_password="p")
    wanted = CodeExchange.of(mailbox, SIGN_IN, await code_for(provider, SIGN_IN), KEYS)
    answer = await exchanged(provider, wanted)

    sealed = SealedMailbox(id="reports", version=0, settings=mailbox.settings, secret=answer.secret)
    secrets = unseal(sealed, KEYS).secrets
    assert secrets.refresh_token.get_secret_value() in provider.server.refresh_tokens
    assert (secrets.client_secret.get_secret_value(), secrets.proxy_password.get_secret_value()) == ("s", "p")
    for other in (
        sealed.model_copy(update={"id": "another"}),
        sealed.model_copy(update={"settings": mailbox.settings.model_copy(update={"host": "evil.example"})}),
    ):
        with pytest.raises(BadSecretKey):
            unseal(other, KEYS)


@pytest.mark.usefixtures("_answering")
async def test_a_code_is_worth_nothing_with_another_verifier_or_beside_another_mailbox(provider: Provider) -> None:
    mailbox = mailbox_of(provider)
    code = await code_for(provider, SIGN_IN)
    stolen = CodeExchange.of(mailbox, SignIn(SIGN_IN.redirect_uri), code, KEYS)
    moved = CodeExchange.of(mailbox, SIGN_IN, code, KEYS).model_dump() | {
        "mailbox": CodeExchange.of(mailbox.model_copy(update={"id": "another"}), SIGN_IN, code, KEYS).mailbox
    }

    assert (await exchanged(provider, stolen)).category is Category.AUTH_EXPIRED
    assert "another DMARQ_SECRET_KEY" in (await exchanged(provider, CodeExchange.model_validate(moved))).detail
    assert len(provider.server.asked) == 1


@pytest.mark.usefixtures("_answering")
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (json.dumps({"access_token": "t", "expires_in": 60}).encode(), "no refresh token"),
        (b"<html>", "gave no token"),
        (b"[" * 100_000, "gave no token"),
        (b"x" * 300_000, "answers with too much"),
    ],
)
async def test_an_answer_that_is_no_good_is_told_in_words(provider: Provider, answer: bytes, told: str) -> None:
    provider.server.raw_answer = answer
    wanted = CodeExchange.of(mailbox_of(provider), SIGN_IN, "code", KEYS)

    found = await exchanged(provider, wanted)

    assert (found.secret, told in found.detail) == ("", True), found.detail


@pytest.mark.usefixtures("_answering")
async def test_what_is_no_request_is_answered_all_the_same(provider: Provider) -> None:
    other = CodeExchange.of(mailbox_of(provider), SIGN_IN, "code", Keyring(OTHER_KEY))
    for payload in (b"", b"{}", b"[" * 100_000, other.model_dump_json().encode()):
        answer = await request(provider.bus.client, AUTHORIZE_SUBJECT, payload, timeout=20)
        assert "another DMARQ_SECRET_KEY" in CodeExchanged.model_validate_json(answer).detail
    assert provider.server.asked == []
