"""The way to a server: a TCP connection, direct or through a SOCKS or HTTP proxy, which then resolves its name; TLS at
once or by STARTTLS; and the greeting.
"""

import asyncio
import socket
import ssl
from dataclasses import replace

from aiohappyeyeballs import start_connection
from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio import Proxy

from fetcher.imap.grammar.faults import ImapFault, Status, fault_of_status, parse_status
from fetcher.imap.transport.account import Account, ProtocolLog
from fetcher.imap.transport.connection import Connection
from fetcher.imap.transport.memory import give_large_blocks_back
from fetcher.imap.transport.tls import (
    Presented,
    certificate_fault,
    client_context,
    ensure_pinned,
    fingerprint_of,
    handshake_fault,
    is_of_unknown_issuer,
    presented_by,
)
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import ProxySettings, Security

LOOK_S = 3.0  # for a look at a certificate that was refused


async def connect(account: Account, *, log: ProtocolLog) -> Connection:
    """A greeted connection, encrypted as the account asks for. Raises ImapFault within `connect_s`."""
    give_large_blocks_back()
    connection = Connection(account, log=log)
    reached = False
    try:
        async with asyncio.timeout(account.deadlines.connect_s):
            await _connect(connection, account)
        reached = True
    except OSError as error:
        raise await _fault(error, connection) from error
    except UnicodeError as error:
        raise ImapFault(Category.CONNECTIVITY, f"{account.host!r} is no host name: check it") from error
    finally:
        if not reached:
            connection.abort()
    facts = {"host": account.host, "port": account.port, "tls": connection.tls_version or "none"}
    log("info", "connected", facts)
    for weakness in account.weaknesses:
        log("warning", "unsafe", {"why": weakness.text})
    return connection


async def _fault(error: OSError, connection: Connection) -> ImapFault:
    account = connection.account
    place = f"{account.host}:{account.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        presented, fingerprint = await _presented(account, connection.log)
        presented = presented if is_of_unknown_issuer(error) else None
        has_own_ca = bool(account.ca_certificate)
        fault = certificate_fault(error, place=place, presented=presented, has_own_ca=has_own_ca)
        fault.fingerprint = fingerprint
        return fault
    if isinstance(error, ssl.SSLError):
        return handshake_fault(error, place=place)
    if isinstance(error, TimeoutError) and connection.protocol.transport is not None:
        hint = "" if account.security is Security.TLS else "; a port that expects TLS from the start is silent too"
        return ImapFault(Category.TIMEOUT, f"the server {place} takes the connection but says nothing{hint}")
    return fault_of_the_way(error, host=account.host, place=place)


async def _presented(account: Account, log: ProtocolLog) -> tuple[Presented | None, str]:
    """What the server presents to a connection that checks nothing, sends no secret and ends at once; and the
    fingerprint of its certificate.
    """
    unchecked = Connection(replace(account, verify_certificate=False), log=log)
    try:
        async with asyncio.timeout(LOOK_S):
            await _connect(unchecked, unchecked.account)
    except (OSError, ImapFault) as fault:
        unchecked.log("debug", "not_reached", {"why": str(fault)})  # its certificate was seen, if any
    transport = unchecked.protocol.transport
    ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
    presented, fingerprint = presented_by(ssl_object), fingerprint_of(ssl_object)
    unchecked.abort()
    return presented, fingerprint


async def _connect(connection: Connection, account: Account) -> None:
    context = _context(account)
    protocol = connection.protocol
    loop = asyncio.get_running_loop()
    at_once = context if account.security is Security.TLS else None
    await loop.create_connection(
        lambda: protocol,
        sock=await connected_socket(account),
        ssl=at_once,
        server_hostname=account.host if at_once else None,
    )
    if at_once is not None:
        _ensure_pinned(connection, account)
    greeting = _understood(await protocol.greeting, account)
    connection.greeting = greeting.text
    protocol.greeted()
    await connection.ask_capabilities()
    if account.security is Security.STARTTLS and context is not None:
        await _start_tls(connection, context, preauthenticated=greeting.result == "PREAUTH")
    elif greeting.result == "PREAUTH":
        protocol.signed_in()


def _understood(line: bytes, account: Account) -> Status:
    try:
        greeting = parse_status(line.removeprefix(b"* "))
    except ValueError as error:
        detail = f"{account.host}:{account.port} is no IMAP server: check host and port"
        raise ImapFault(Category.CONNECTIVITY, detail) from error
    if not greeting.ok:
        raise fault_of_status(greeting, otherwise=Category.CONNECTIVITY)
    return greeting


def _context(account: Account) -> ssl.SSLContext | None:
    if account.security is Security.NONE:
        return None
    return client_context(
        verify_certificate=account.verify_certificate,
        ca_certificate=account.ca_certificate,
        pinned_certificate=account.pinned_certificate,
    )


def _ensure_pinned(connection: Connection, account: Account) -> None:
    transport = connection.protocol.transport
    ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
    ensure_pinned(ssl_object, account.pinned_certificate, place=f"{account.host}:{account.port}")


async def _start_tls(connection: Connection, context: ssl.SSLContext, *, preauthenticated: bool) -> None:
    # PREAUTH forbids STARTTLS, so that an attacker who greets so would keep the connection in the clear.
    if preauthenticated or "STARTTLS" not in connection.capabilities:
        raise ImapFault(
            Category.TLS, "the server does not offer STARTTLS on this port: choose TLS, usually on port 993"
        )
    (await connection.ask("STARTTLS")).required()
    await connection.protocol.start_tls(context, host=connection.account.host)
    _ensure_pinned(connection, connection.account)
    await connection.ask_capabilities()


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
        return ImapFault(Category.CONNECTIVITY, f"the server {place} refuses connections: check host and port")
    if isinstance(error, TimeoutError):
        return ImapFault(Category.TIMEOUT, f"the server {place} does not answer: check host, port and firewall")
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
