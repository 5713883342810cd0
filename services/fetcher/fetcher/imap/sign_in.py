"""Signing in: AUTHENTICATE PLAIN or LOGIN with a password, XOAUTH2 or OAUTHBEARER with an access token."""

from base64 import b64decode, b64encode

from fetcher.imap.grammar.arguments import text
from fetcher.imap.grammar.faults import ImapFault, category_of, clean, fault_of_status
from fetcher.imap.transport.account import Account
from fetcher.imap.transport.connection import Connection, Reply
from pipeline.contracts.connection_test import Category

CLIENT_NAME = "dmarq"


async def sign_in(connection: Connection, account: Account) -> None:
    """Signs in, and asks what the server can do for a signed-in user. Raises ImapFault."""
    if connection.protocol.is_signed_in:
        return
    if "\0" in account.username + account.secret:
        raise ImapFault(Category.AUTHENTICATION, "user name or password holds a NUL character: type them again")
    reply = await (
        _with_password(connection, account) if account.auth == "password" else _with_token(connection, account)
    )
    if not reply.status.ok:
        raise _refusal(reply, connection, account)
    connection.protocol.signed_in()
    await connection.ask_capabilities()
    connection.log("info", "signed_in", {"username": account.username, "auth": account.auth})
    if "ID" in connection.capabilities:
        # Some providers open no folder for a client that did not tell its name; a refusal changes nothing.
        await connection.ask("ID", f'("name" "{CLIENT_NAME}")')


async def _with_password(connection: Connection, account: Account) -> Reply:
    """AUTHENTICATE PLAIN, once more without the initial response, LOGIN: each for servers that fail at the one before.

    So a sign-in is never more than three tries, which locks no account.
    """
    plain = "AUTH=PLAIN" in connection.capabilities
    login = "LOGINDISABLED" not in connection.capabilities
    if plain:
        response = b64encode(f"\0{account.username}\0{account.secret}".encode())
        reply = await _authenticate(connection, "PLAIN", response, refusal=b"*")
        if reply.status.ok or not login or not _may_be_the_way(reply):
            return reply
    elif not login:
        raise _no_password(connection)
    by_login = await connection.ask("LOGIN", text(account.username), text(account.secret), secret=True)
    return reply if plain and by_login.status.result == "BAD" else by_login  # a BAD says less than what came before it


async def _with_token(connection: Connection, account: Account) -> Reply:
    if "AUTH=XOAUTH2" in connection.capabilities:
        response = b64encode(f"user={account.username}\1auth=Bearer {account.secret}\1\1".encode())
        return await _authenticate(connection, "XOAUTH2", response, refusal=b"")
    if "AUTH=OAUTHBEARER" in connection.capabilities:
        user = account.username.replace("=", "=3D").replace(",", "=2C")
        place = f"host={account.host}\1port={account.port}"
        response = b64encode(f"n,a={user},\1{place}\1auth=Bearer {account.secret}\1\1".encode())
        return await _authenticate(connection, "OAUTHBEARER", response, refusal=b64encode(b"\1"))
    raise ImapFault(Category.AUTHENTICATION, "the server does not offer sign-in with OAuth 2: use a password")


async def _authenticate(connection: Connection, mechanism: str, response: bytes, *, refusal: bytes) -> Reply:
    at_once = "SASL-IR" in connection.capabilities
    reply = await connection.authenticate(mechanism, response, refusal=refusal, at_once=at_once)
    if not at_once or reply.status.result != "BAD":
        return reply
    connection.refuses("SASL-IR", reply.status)
    return await connection.authenticate(mechanism, response, refusal=refusal, at_once=False)


def _may_be_the_way(reply: Reply) -> bool:
    """Whether a refusal may be about the way to sign in: a server that is busy, or denies IMAP, says so."""
    return category_of(reply.status) in (None, Category.AUTHENTICATION)


def _no_password(connection: Connection) -> ImapFault:
    if connection.tls_version is None:
        return ImapFault(Category.TLS, "the server takes no password without encryption: choose TLS or STARTTLS")
    others = sorted(word.removeprefix("AUTH=") for word in connection.capabilities if word.startswith("AUTH="))
    ways = f"; it offers {', '.join(others)[:100]}" if others else ""
    detail = (
        f"the server takes no password from this account (LOGINDISABLED){ways}: ask its administrator, or use OAuth 2"
    )
    return ImapFault(Category.AUTHENTICATION, detail)


def _refusal(reply: Reply, connection: Connection, account: Account) -> ImapFault:
    fault = fault_of_status(reply.status, otherwise=Category.AUTHENTICATION)
    if account.auth == "xoauth2" and fault.category is Category.AUTHENTICATION:
        advice = "the server rejects the access token: sign in with the provider again"
        said = " ".join(filter(None, (fault.said, *(_reason(line, connection) for line in reply.challenges))))
        return ImapFault(Category.AUTH_EXPIRED, advice, code=fault.code, said=said)
    if reply.status.result == "BAD" and category_of(reply.status) is None:
        return ImapFault(Category.AUTHENTICATION, "the server does not understand the sign-in", said=fault.said)
    return fault


def _reason(challenge: bytes, connection: Connection) -> str:
    """Why a token was refused, as RFC 7628 section 3.2.2 and XOAUTH2 tell it: JSON, in base64. "" for nothing."""
    try:
        told = b64decode(challenge).decode("utf-8", "replace")
    except ValueError:
        return ""
    cleaned = clean(told)
    return "" if connection.concealer.mentions(cleaned) else cleaned
