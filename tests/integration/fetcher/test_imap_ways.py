"""The ways to a server: through proxies, over IPv6, and a way that dies in silence."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
import uvloop

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account, Deadlines
from fetcher.imap.transport.connect import connect
from fetcher.oauth import TokenEndpoint, TokenFault
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import MailboxSecrets, ProxyKind, ProxySettings, Security
from pipeline.jetstream.bus import Bus
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User, running_dovecot
from tests.support.fetching import fetching, until_fetched
from tests.support.fixtures_imap import account_of, quiet
from tests.support.proxies import running_proxy
from tests.support.proxy import FaultyProxy
from tests.support.token_server import TokenServer


@pytest.fixture(scope="module")
def dovecot6(dovecot: Dovecot) -> Iterator[Dovecot]:
    """A Dovecot that listens on ::1 too; `dovecot` skips where none is installed."""
    with running_dovecot(extra="listen = 127.0.0.1, ::1") as server:
        yield server


def through(kind: ProxyKind, port: int, username: str = "") -> ProxySettings:
    return ProxySettings(kind=kind, host="127.0.0.1", port=port, username=username)


async def mails(account: Account) -> int:
    async with await ImapSession.open(account, log=quiet) as session:
        return (await session.status("INBOX")).mails


@pytest.mark.parametrize("kind", list(ProxyKind))
@pytest.mark.parametrize("security", list(Security))
async def test_a_mailbox_is_reached_through_its_proxy(
    dovecot: Dovecot, user: User, kind: ProxyKind, security: Security
) -> None:
    async with running_proxy(kind) as proxy:
        account = account_of(dovecot, user, security=security, proxy=through(kind, proxy.port))

        assert await mails(account) == 0
        assert proxy.used == 1


@pytest.mark.parametrize("kind", list(ProxyKind))
def test_the_loop_that_the_services_run_on_does_the_same(dovecot: Dovecot, user: User, kind: ProxyKind) -> None:
    async def count() -> int:
        async with running_proxy(kind) as proxy:
            return await mails(account_of(dovecot, user, proxy=through(kind, proxy.port)))

    assert uvloop.run(count()) == 0


@pytest.mark.parametrize("kind", [ProxyKind.SOCKS5, ProxyKind.HTTP])
async def test_a_proxy_may_want_a_password(dovecot: Dovecot, user: User, kind: ProxyKind) -> None:
    async with running_proxy(kind, username="ann", password="geheim") as proxy:
        known = account_of(dovecot, user, proxy=through(kind, proxy.port, "ann"), proxy_password="geheim")
        unknown = account_of(dovecot, user, proxy=through(kind, proxy.port, "ann"), proxy_password="falsch")

        assert await mails(known) == 0
        with pytest.raises(ImapFault, match=r"the proxy 127\.0\.0\.1") as caught:
            await mails(unknown)

    assert caught.value.category is Category.CONNECTIVITY
    assert "falsch" not in caught.value.detail + repr(unknown)


@pytest.mark.parametrize("kind", list(ProxyKind))
async def test_a_server_that_the_proxy_cannot_reach_is_named_so(dovecot: Dovecot, user: User, kind: ProxyKind) -> None:
    async with running_proxy(kind) as proxy:
        with pytest.raises(ImapFault, match="gives no way to localhost:1") as caught:
            await mails(account_of(dovecot, user, port=1, proxy=through(kind, proxy.port)))

    assert caught.value.category is Category.CONNECTIVITY


async def test_the_fetcher_goes_through_the_mailbox_s_proxy(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(b"Subject: report\r\n\r\n")
    async with running_proxy(ProxyKind.SOCKS5, username="ann", password="geheim") as proxy:
        mailbox = dovecot_mailbox(dovecot, user, proxy=through(ProxyKind.SOCKS5, proxy.port, "ann"))
        kept = MailboxSecrets.model_validate({"password": user.password, "proxy_password": "geheim"})
        await put_mailbox(bus, mailbox.model_copy(update={"secrets": kept}))
        async with fetching(bus):
            await until_fetched(bus, 1)

        assert proxy.used >= 1


async def test_a_proxy_that_is_away_is_named(dovecot: Dovecot, user: User) -> None:
    with pytest.raises(ImapFault, match=r"no connection to the proxy 127\.0\.0\.1:1"):
        await mails(account_of(dovecot, user, proxy=through(ProxyKind.SOCKS5, 1)))


@pytest.mark.parametrize("kind", list(ProxyKind))
async def test_tokens_are_asked_for_through_the_same_proxy(kind: ProxyKind) -> None:
    async with TokenServer(issue=lambda: "token") as server, running_proxy(kind) as proxy:
        status, _ = await TokenEndpoint(through(kind, proxy.port)).ask(
            f"{server.url}/token", {"grant_type": "refresh_token", "refresh_token": "the first refresh token"}
        )

        assert (status, proxy.used) == (200, 1)


async def test_a_proxy_that_is_away_gives_no_token() -> None:
    with pytest.raises(TokenFault, match="no connection"):
        await TokenEndpoint(through(ProxyKind.SOCKS5, 1)).ask("http://127.0.0.1:2/token", {})


@pytest.mark.parametrize("security", list(Security))
async def test_a_server_is_reached_over_ipv6(dovecot6: Dovecot, security: Security) -> None:
    account = account_of(dovecot6, dovecot6.user(), host="::1", security=security)
    connection = await connect(account, log=quiet)
    assert connection.protocol.transport is not None
    family = connection.protocol.transport.get_extra_info("socket").family
    connection.abort()

    assert family == socket.AF_INET6
    assert await mails(account) == 0


async def test_tcp_itself_watches_over_a_quiet_connection(account: Account) -> None:
    connection = await connect(account, log=quiet)
    assert connection.protocol.transport is not None
    used = connection.protocol.transport.get_extra_info("socket")
    probes = [used.getsockopt(socket.IPPROTO_TCP, option) for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL)]
    is_kept_alive = used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    connection.abort()

    assert is_kept_alive
    assert probes == [20, 10]


async def test_a_server_that_falls_silent_in_idle_is_found_dead(dovecot: Dovecot, user: User) -> None:
    """Half-open: nothing is reset, nothing is answered; only an own deadline notices."""
    deadlines = Deadlines(idle_s=0.2, farewell_s=0.2)
    async with FaultyProxy(port=dovecot.imaps_port) as way:
        account = account_of(dovecot, user, port=way.port, deadlines=deadlines)
        async with await ImapSession.open(account, log=quiet) as session:
            await session.select("INBOX")
            way.hang()

            with pytest.raises(ImapFault, match="the connection is dead") as caught:
                async with asyncio.timeout(30):
                    await session.wait_for_mail(3600)

    assert caught.value.category is Category.TIMEOUT


def test_a_dead_connection_is_noticed_within_a_minute() -> None:
    usual = Deadlines()

    assert usual.idle_s + usual.farewell_s < 60
    assert usual.connect_s < 60
    assert usual.quiet_s < 60
