"""Mailboxes that sign in with OAuth 2: a real Dovecot checks the tokens of a token server."""

import pytest

from fetcher.connection_test import recovery_steps
from fetcher.credentials import Credentials, TokenSource
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.session import ImapSession
from fetcher.oauth import TokenFault
from pipeline.contracts.connection_test import Category
from pipeline.contracts.events import FetchRunFinished
from pipeline.contracts.mailbox import Mailbox, MailboxSecrets, MailboxSettings
from tests.support.client import put_mailbox
from tests.support.fetching import fetching, until, until_fetched
from tests.support.fixtures_imap import quiet
from tests.support.providing import Provider, secrets
from tests.support.token_server import CLIENT_SECRET


async def mails_of(provider: Provider, source: TokenSource, settings: MailboxSettings, kept: MailboxSecrets) -> int:
    async with await Credentials(source, ImapSession.open).session(settings, kept, log=quiet) as session:
        return (await session.status("INBOX")).mails


def mailbox_of(provider: Provider, kept: MailboxSecrets, *, version: int = 1) -> Mailbox:
    settings = provider.settings()
    return Mailbox(id=provider.user.name.lower(), version=version, settings=settings, secrets=kept)


@pytest.mark.parametrize(
    ("oauth", "kept"),
    [
        ({}, secrets()),
        ({"grant": "client_credentials", "scope": "imap"}, secrets(client_secret=CLIENT_SECRET)),
        ({"provider": "google"}, secrets(client_secret=CLIENT_SECRET)),
        ({"provider": "microsoft"}, secrets()),
        (
            {"provider": "microsoft", "tenant": "example.com", "grant": "client_credentials"},
            secrets(client_secret=CLIENT_SECRET),
        ),
    ],
)
async def test_a_mailbox_signs_in_with_a_token_of_its_provider(
    provider: Provider, oauth: dict[str, str], kept: MailboxSecrets
) -> None:
    provider.user.deliver(b"Subject: a\r\n\r\n")

    assert await mails_of(provider, provider.process(), provider.settings(**oauth), kept) == 1


async def test_a_given_access_token_is_used_as_it_is(provider: Provider) -> None:
    settings = provider.settings().model_copy(update={"oauth": None})

    assert await mails_of(provider, provider.process(), settings, secrets(access_token=provider.issue())) == 0
    assert provider.server.asked == []
    with pytest.raises(ImapFault, match="authorize the mailbox"):
        await mails_of(provider, provider.process(), settings, secrets())


async def test_a_withdrawn_consent_is_named_at_once_with_what_to_do(provider: Provider) -> None:
    provider.server.refresh_tokens.clear()

    with pytest.raises(TokenFault, match="authorize the mailbox again") as caught:
        await mails_of(provider, provider.process(), provider.settings(), secrets())

    assert caught.value.category is Category.AUTH_EXPIRED
    assert any("dmarq mailbox authorize" in step for step in recovery_steps(caught.value.category))
    assert len(provider.server.asked) == 1


async def test_a_token_that_the_mail_server_refuses_is_replaced_once(provider: Provider) -> None:
    source = provider.process()
    provider.lasts_s = -60  # the mail server finds it expired, although the provider says an hour
    await source.access_token(provider.server.oauth(), secrets())
    provider.lasts_s = 3600

    assert await mails_of(provider, source, provider.settings(), secrets()) == 0
    assert len(provider.server.asked) == 2


async def test_a_mail_server_that_refuses_every_token_is_asked_twice_not_for_ever(provider: Provider) -> None:
    provider.lasts_s = -60

    with pytest.raises(ImapFault) as caught:
        await mails_of(provider, provider.process(), provider.settings(), secrets())

    assert caught.value.category is Category.AUTHENTICATION
    assert "sign in with the provider again" not in caught.value.detail
    assert len(provider.server.asked) == 2


async def test_an_application_whose_new_token_is_refused_is_not_told_to_sign_in(provider: Provider) -> None:
    provider.lasts_s = -60
    settings = provider.settings(grant="client_credentials", scope="imap")

    with pytest.raises(ImapFault, match="service principal") as caught:
        await mails_of(provider, provider.process(), settings, secrets(client_secret=CLIENT_SECRET))

    assert "sign in" not in caught.value.detail


async def test_the_fetcher_fetches_with_tokens(rotating: Provider) -> None:
    rotating.user.deliver(b"Subject: report\r\n\r\n")
    await put_mailbox(rotating.bus, mailbox_of(rotating, secrets()))
    async with fetching(rotating.bus):
        await until_fetched(rotating.bus, 1)

    assert len(rotating.server.asked) == 1


async def test_a_mailbox_whose_sign_in_was_withdrawn_says_so_until_it_is_authorized_again(provider: Provider) -> None:
    provider.server.refresh_tokens = {"from the new sign-in"}
    await put_mailbox(provider.bus, mailbox_of(provider, secrets()))
    async with fetching(provider.bus):
        run = (await until(provider.bus, FetchRunFinished))[0]
        provider.user.deliver(b"Subject: report\r\n\r\n")
        again = secrets(refresh_token="from the new sign-in")
        await put_mailbox(provider.bus, mailbox_of(provider, again, version=2))
        await until_fetched(provider.bus, 1)

    assert run.category == "auth_expired"
    assert "authorize the mailbox again" in run.detail
