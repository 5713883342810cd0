"""The TCP connection to a mail server: direct, or through a SOCKS or HTTP proxy, which then resolves its name."""

import asyncio
import socket

from aiohappyeyeballs import start_connection
from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio import Proxy

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.transport.account import Account
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import ProxySettings

EYEBALLS_DELAY_S = 0.25  # RFC 8305 section 8
QUIET_S = 20  # before the first probe
PROBE_EVERY_S = 10
PROBES = 3
UNANSWERED_MS = 50_000  # after which data that nobody confirms ends the connection

# Not every system has every one of them.
_OPTIONS = (
    ("TCP_KEEPIDLE", QUIET_S),
    ("TCP_KEEPINTVL", PROBE_EVERY_S),
    ("TCP_KEEPCNT", PROBES),
    ("TCP_USER_TIMEOUT", UNANSWERED_MS),
)


async def connected_socket(account: Account) -> socket.socket:
    """A socket that is connected to the account's server. Raises OSError; ImapFault, where a proxy is in the way."""
    connected = await (_direct(account) if account.proxy is None else _through(account.proxy, account))
    _keep_alive(connected)
    return connected


def fault_of_the_way(error: OSError, *, host: str, place: str) -> ImapFault:
    """The fault behind a TCP connection that could not be made, or was lost with an error."""
    if isinstance(error, socket.gaierror):
        return ImapFault(Category.CONNECTIVITY, f"the host name {host} cannot be resolved: check it for typing errors")
    if isinstance(error, ConnectionRefusedError):
        return ImapFault(Category.CONNECTIVITY, f"{place} refuses connections: check host and port")
    if isinstance(error, TimeoutError):
        return ImapFault(Category.TIMEOUT, f"{place} does not answer: check host, port and firewall")
    return ImapFault(Category.CONNECTIVITY, f"no connection to {place}: {error.strerror or type(error).__name__}")


async def _direct(account: Account) -> socket.socket:
    """IPv6 and IPv4 in a race (RFC 8305), so that a broken one costs no time; uvloop cannot do that by itself."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(account.host, account.port, type=socket.SOCK_STREAM)
    return await start_connection(addresses, happy_eyeballs_delay=EYEBALLS_DELAY_S)


async def _through(proxy: ProxySettings, account: Account) -> socket.socket:
    """A socket that is connected to the account's server. Raises ImapFault (connectivity), naming the proxy."""
    through = Proxy(
        ProxyType[proxy.kind.name],
        proxy.host,
        proxy.port,
        username=proxy.username or None,
        password=account.proxy_password or None,
        rdns=True,
    )
    place = f"the proxy {proxy.host}:{proxy.port}"
    try:
        return await through.connect(account.host, account.port, timeout=account.deadlines.connect_s)
    except ProxyTimeoutError as error:
        raise ImapFault(Category.TIMEOUT, f"{place} does not answer: check host, port and firewall") from error
    except ProxyConnectionError as error:
        raise ImapFault(Category.CONNECTIVITY, f"no connection to {place}: check host and port") from error
    except ProxyError as error:
        detail = f"{place} gives no way to {account.host}:{account.port}: {_said(error)}"
        raise ImapFault(Category.CONNECTIVITY, detail) from error


def _keep_alive(connected: socket.socket) -> None:
    """TCP's own watch over a quiet connection: a peer that is gone is noticed within a minute."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


def _said(error: ProxyError) -> str:
    text = " ".join(str(error).split())[:200]
    return "".join(c if c.isprintable() else "?" for c in text)
