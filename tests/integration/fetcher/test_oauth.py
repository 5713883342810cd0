"""Signing in with OAuth 2: a real Dovecot that checks the tokens, a token server, and tokens kept in NATS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import nats
import pytest

from fetcher.credentials import Credentials
from fetcher.imap import ImapFault
from fetcher.oauth import TokenFault, TokenSource
from fetcher.recovery import recovery_steps
from pipeline.adapters.bus import Bus
from pipeline.adapters.tokens import TokenBucket
from pipeline.connection import Category
from pipeline.errors import TryLater
from pipeline.events import FetchRunFinished
from pipeline.mailbox import Mailbox, MailboxSecrets, MailboxSettings
from pipeline.secrets import Keyring
from tests.support.client import put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import fetching, until, until_fetched
from tests.support.fixtures_imap import quiet
from tests.support.services import SECRET_KEY
from tests.support.token_server import CLIENT_SECRET, TokenServer

KEYS = Keyring(SECRET_KEY)


@dataclass
class Provider:
    """A provider whose tokens `dovecot` accepts for `user`, and the bus on which they are kept."""

    server: TokenServer
    bus: Bus
    dovecot: Dovecot
    user: User
    lasts_s: int = 3600

    def settings(self, **oauth: object) -> MailboxSettings:
        return MailboxSettings.model_validate(
            {
                "name": "x",
                "host": self.dovecot.host,
                "port": self.dovecot.imaps_port,
                "ca_certificate": self.dovecot.ca_certificate,
                "username": self.user.name,
                "auth": "xoauth2",
                "oauth": self.server.oauth(**oauth),
            }
        )

    def process(self) -> TokenSource:
        """What a fetcher process has, at its start."""
        return TokenSource(TokenBucket(self.bus.js, KEYS))

    def issue(self) -> str:
        return self.dovecot.token(self.user, lasts_s=self.lasts_s)


def secrets(**values: str) -> MailboxSecrets:
    return MailboxSecrets.model_validate({"refresh_token": "the first refresh token", **values})


@asynccontextmanager
async def providing(url: str, dovecot: Dovecot, user: User, *, rotates: bool = False) -> AsyncIterator[Provider]:
    client = await nats.connect(url)
    bus = Bus(client)
    await bus.ensure()
    issuing: list[Provider] = []
    async with TokenServer(issue=lambda: issuing[0].issue(), rotates=rotates) as server:
        issuing.append(Provider(server, bus, dovecot, user))
        yield issuing[0]
    await client.close()


@pytest.fixture
async def provider(nats_url: str, dovecot: Dovecot, user: User) -> AsyncIterator[Provider]:
    async with providing(nats_url, dovecot, user) as found:
        yield found


@pytest.fixture
async def rotating(nats_url: str, dovecot: Dovecot, user: User) -> AsyncIterator[Provider]:
    async with providing(nats_url, dovecot, user, rotates=True) as found:
        yield found


async def mails_of(provider: Provider, source: TokenSource, settings: MailboxSettings, kept: MailboxSecrets) -> int:
    async with await Credentials(source).session(settings, kept, log=quiet) as session:
        return (await session.status("INBOX")).mails


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


async def test_a_token_is_kept_while_it_lasts_even_over_a_restart(provider: Provider) -> None:
    source = provider.process()
    oauth = provider.server.oauth()

    first = await source.access_token(oauth, secrets())
    again = await source.access_token(oauth, secrets())
    restarted = await provider.process().access_token(oauth, secrets())

    assert first == again == restarted
    assert len(provider.server.asked) == 1


async def test_a_token_is_renewed_before_it_expires(provider: Provider) -> None:
    provider.server.lifetime_s = 100  # less than two minutes are left
    source = provider.process()

    first = await source.access_token(provider.server.oauth(), secrets())
    second = await source.access_token(provider.server.oauth(), secrets())

    assert first != second
    assert len(provider.server.asked) == 2


async def test_many_who_need_a_token_at_once_ask_once(provider: Provider) -> None:
    source = provider.process()

    tokens = await asyncio.gather(*(source.access_token(provider.server.oauth(), secrets()) for _ in range(20)))

    assert len(set(tokens)) == 1
    assert len(provider.server.asked) == 1


async def test_a_replaced_refresh_token_is_used_from_then_on(rotating: Provider) -> None:
    rotating.server.lifetime_s = 1
    oauth = rotating.server.oauth()
    source = rotating.process()

    await source.access_token(oauth, secrets())
    await source.access_token(oauth, secrets())
    await rotating.process().access_token(oauth, secrets())  # after a restart, from the bucket

    used = [form["refresh_token"] for form in rotating.server.asked]
    assert used == ["the first refresh token", "refresh token 2", "refresh token 3"]


async def test_another_process_that_was_faster_leaves_its_refresh_token_for_us(rotating: Provider) -> None:
    rotating.server.lifetime_s = 1
    oauth = rotating.server.oauth()
    slow, fast = rotating.process(), rotating.process()
    await slow.access_token(oauth, secrets())
    await fast.access_token(oauth, secrets())

    assert await slow.access_token(oauth, secrets())
    assert [form["refresh_token"] for form in rotating.server.asked[-2:]] == ["refresh token 2", "refresh token 3"]


async def test_a_new_refresh_token_in_the_settings_counts_at_once(rotating: Provider) -> None:
    source = rotating.process()
    await source.access_token(rotating.server.oauth(), secrets())
    rotating.server.refresh_tokens = {"from the new sign-in"}

    await source.access_token(rotating.server.oauth(), secrets(refresh_token="from the new sign-in"))

    assert rotating.server.asked[-1]["refresh_token"] == "from the new sign-in"


async def test_the_settings_refresh_token_is_the_fallback(rotating: Provider) -> None:
    rotating.server.lifetime_s = 1
    source = rotating.process()
    await source.access_token(rotating.server.oauth(), secrets())
    rotating.server.refresh_tokens = {"the first refresh token"}  # the provider was set back to a backup

    assert await source.access_token(rotating.server.oauth(), secrets())


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

    assert caught.value.category is Category.AUTH_EXPIRED
    assert len(provider.server.asked) == 2


@pytest.mark.parametrize(
    ("refusal", "category"),
    [
        ((401, "invalid_client"), Category.AUTHENTICATION),
        ((400, "invalid_grant"), Category.AUTH_EXPIRED),
        ((429, "slow_down"), Category.THROTTLED),
        ((503, "temporarily_unavailable"), Category.CONNECTIVITY),
    ],
)
async def test_a_provider_that_refuses_has_a_category(
    provider: Provider, refusal: tuple[int, str], category: Category
) -> None:
    provider.server.refusal = refusal

    with pytest.raises(TokenFault) as caught:
        await provider.process().access_token(provider.server.oauth(), secrets())

    assert caught.value.category is category


async def test_a_provider_that_is_away_is_no_connectivity(provider: Provider) -> None:
    oauth = provider.server.oauth(token_endpoint="http://127.0.0.1:1/token")

    with pytest.raises(TokenFault, match=r"no connection to http://127\.0\.0\.1:1/token") as caught:
        await provider.process().access_token(oauth, secrets())

    assert caught.value.category is Category.CONNECTIVITY


async def test_an_endless_answer_is_cut_off(provider: Provider) -> None:
    provider.server.raw_answer = b" " * 1_000_000

    with pytest.raises(TokenFault, match="too much"):
        await provider.process().access_token(provider.server.oauth(), secrets())


async def test_nothing_at_rest_shows_a_token(rotating: Provider) -> None:
    token = await rotating.process().access_token(rotating.server.oauth(), secrets())

    bucket = await rotating.bus.js.key_value("token")
    stored = [(await bucket.get(key)).value for key in await bucket.keys()]
    assert len(stored) == 1
    assert token.encode() not in (stored[0] or b"")
    assert b"refresh token" not in (stored[0] or b"")


async def test_tokens_under_another_secret_key_are_asked_for_anew(provider: Provider) -> None:
    await provider.process().access_token(provider.server.oauth(), secrets())
    other = TokenSource(TokenBucket(provider.bus.js, Keyring("another-key-of-the-tests")))

    assert await other.access_token(provider.server.oauth(), secrets())
    assert len(provider.server.asked) == 2


async def test_while_the_broker_is_away_no_refresh_token_is_used_up(rotating: Provider) -> None:
    source = rotating.process()
    await rotating.bus.client.close()

    with pytest.raises(TryLater):
        await source.access_token(rotating.server.oauth(), secrets())
    assert rotating.server.asked == []


def mailbox_of(provider: Provider, kept: MailboxSecrets, *, version: int = 1) -> Mailbox:
    settings = provider.settings()
    return Mailbox(id=provider.user.name.lower(), version=version, settings=settings, secrets=kept)


async def test_the_fetcher_fetches_with_tokens(rotating: Provider) -> None:
    rotating.user.deliver(b"Subject: report\r\n\r\n")
    await put_mailbox(rotating.bus, mailbox_of(rotating, secrets()))
    async with fetching(rotating.bus):
        await until_fetched(rotating.bus, 1)

    assert len(rotating.server.asked) == 1


async def test_a_mailbox_whose_sign_in_was_withdrawn_says_so_until_it_is_authorized_anew(provider: Provider) -> None:
    provider.server.refresh_tokens = {"from the new sign-in"}
    await put_mailbox(provider.bus, mailbox_of(provider, secrets()))
    async with fetching(provider.bus):
        run = (await until(provider.bus, FetchRunFinished))[0]
        provider.user.deliver(b"Subject: report\r\n\r\n")
        anew = secrets(refresh_token="from the new sign-in")
        await put_mailbox(provider.bus, mailbox_of(provider, anew, version=2))
        await until_fetched(provider.bus, 1)

    assert run.category == "auth_expired"
    assert "authorize the mailbox again" in run.detail
