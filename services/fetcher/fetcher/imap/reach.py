"""The way to a server: a TCP connection, TLS at once or by STARTTLS, and the greeting."""

import asyncio
import socket
import ssl
from dataclasses import replace

from aiohappyeyeballs import start_connection

from fetcher.imap.account import Account
from fetcher.imap.connection import Connection, ProtocolLog
from fetcher.imap.faults import ImapFault, fault_of_status
from fetcher.imap.keepalive import keep_alive
from fetcher.imap.memory import give_large_blocks_back
from fetcher.imap.proxied import socket_through
from fetcher.imap.status import Status, parse_status
from fetcher.imap.tls import client_context
from fetcher.imap.tls_faults import (
    Presented,
    certificate_fault,
    handshake_fault,
    is_of_unknown_issuer,
    presented_by,
)
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Security

EYEBALLS_DELAY_S = 0.25  # RFC 8305 section 8
LOOK_S = 3.0  # for a look at a certificate that was refused


async def reach(account: Account, *, log: ProtocolLog) -> Connection:
    """A greeted connection, encrypted as the account asks for. Raises ImapFault within `connect_s`."""
    give_large_blocks_back()
    connection = Connection(account, log=log)
    reached = False
    try:
        async with asyncio.timeout(account.deadlines.connect_s):
            await _reach(connection, account)
        reached = True
    except OSError as error:
        raise await _fault(error, connection) from error
    except UnicodeError as error:
        raise ImapFault(Category.CONNECTIVITY, f"{account.host!r} is no host name: check it") from error
    finally:
        if not reached:
            connection.abort()
    facts = {"host": account.host, "port": account.port, "tls": tls_version(connection) or "none"}
    log("info", "connected", facts)
    for weakness in account.weaknesses:
        log("warning", "unsafe", {"why": weakness.text})
    return connection


async def _fault(error: OSError, connection: Connection) -> ImapFault:
    account = connection.account
    place = f"{account.host}:{account.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        presented = await _presented(account, connection.log) if is_of_unknown_issuer(error) else None
        has_own_ca = bool(account.ca_certificate)
        return certificate_fault(error, place=place, presented=presented, has_own_ca=has_own_ca)
    if isinstance(error, ssl.SSLError):
        return handshake_fault(error, place=place)
    if isinstance(error, TimeoutError) and connection.protocol.transport is not None:
        hint = "" if account.security is Security.TLS else "; a port that expects TLS from the start is silent too"
        return ImapFault(Category.TIMEOUT, f"{place} takes the connection but says nothing{hint}")
    return fault_of_the_way(error, host=account.host, place=place)


async def _presented(account: Account, log: ProtocolLog) -> Presented | None:
    """What the server presents to a connection that checks nothing, sends no secret and ends at once."""
    unchecked = Connection(replace(account, verify_certificate=False), log=log)
    try:
        async with asyncio.timeout(LOOK_S):
            await _reach(unchecked, unchecked.account)
    except (OSError, ImapFault) as fault:
        unchecked.log("debug", "not_reached", {"why": str(fault)})  # its certificate was seen, if any
    transport = unchecked.protocol.transport
    presented = presented_by(transport.get_extra_info("ssl_object")) if transport is not None else None
    unchecked.abort()
    return presented


def fault_of_the_way(error: OSError, *, host: str, place: str) -> ImapFault:
    """The fault behind a TCP connection that could not be made, or was lost with an error."""
    if isinstance(error, socket.gaierror):
        return ImapFault(Category.CONNECTIVITY, f"the host name {host} cannot be resolved: check it for typing errors")
    if isinstance(error, ConnectionRefusedError):
        return ImapFault(Category.CONNECTIVITY, f"{place} refuses connections: check host and port")
    if isinstance(error, TimeoutError):
        return ImapFault(Category.TIMEOUT, f"{place} does not answer: check host, port and firewall")
    return ImapFault(Category.CONNECTIVITY, f"no connection to {place}: {error.strerror or type(error).__name__}")


def tls_version(connection: Connection) -> str | None:
    """Such as "TLSv1.3"; None without encryption."""
    transport = connection.protocol.transport
    ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
    return ssl_object.version() if ssl_object is not None else None


async def _reach(connection: Connection, account: Account) -> None:
    context = _context(account)
    protocol = connection.protocol
    loop = asyncio.get_running_loop()
    at_once = context if account.security is Security.TLS else None
    await loop.create_connection(
        lambda: protocol,
        sock=await _connected_socket(account),
        ssl=at_once,
        server_hostname=account.host if at_once else None,
    )
    greeting = _understood(await protocol.greeting, account)
    connection.greeting = greeting.text
    protocol.greeted()
    await connection.ask_capabilities()
    if account.security is Security.STARTTLS and context is not None:
        await _start_tls(connection, context, preauthenticated=greeting.result == "PREAUTH")
    elif greeting.result == "PREAUTH":
        protocol.signed_in()


async def _connected_socket(account: Account) -> socket.socket:
    connected = await (_direct_socket(account) if account.proxy is None else socket_through(account.proxy, account))
    keep_alive(connected)
    return connected


async def _direct_socket(account: Account) -> socket.socket:
    """IPv6 and IPv4 in a race (RFC 8305), so that a broken one costs no time; uvloop cannot do that by itself."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(account.host, account.port, type=socket.SOCK_STREAM)
    return await start_connection(addresses, happy_eyeballs_delay=EYEBALLS_DELAY_S)


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
    return client_context(verify_certificate=account.verify_certificate, ca_certificate=account.ca_certificate)


async def _start_tls(connection: Connection, context: ssl.SSLContext, *, preauthenticated: bool) -> None:
    # PREAUTH forbids STARTTLS, so that an attacker who greets so would keep the connection in the clear.
    if preauthenticated or "STARTTLS" not in connection.capabilities:
        raise ImapFault(
            Category.TLS, "the server does not offer STARTTLS on this port: choose TLS, usually on port 993"
        )
    (await connection.ask("STARTTLS")).required()
    await connection.protocol.start_tls(context, host=connection.account.host)
    await connection.ask_capabilities()
