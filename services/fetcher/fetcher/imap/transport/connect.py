"""The way to a server: a TCP connection, TLS at once or by STARTTLS, and the greeting."""

import asyncio
import ssl
from dataclasses import replace

from fetcher.imap.grammar.faults import ImapFault, Status, fault_of_status, parse_status
from fetcher.imap.transport.account import Account
from fetcher.imap.transport.connection import Connection, ProtocolLog
from fetcher.imap.transport.memory import give_large_blocks_back
from fetcher.imap.transport.network import connected_socket, fault_of_the_way
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
from pipeline.contracts.mailbox import Security

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
        return ImapFault(Category.TIMEOUT, f"{place} takes the connection but says nothing{hint}")
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
