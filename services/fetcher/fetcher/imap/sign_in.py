"""Signing in: AUTHENTICATE PLAIN or LOGIN with a password, XOAUTH2 or OAUTHBEARER with an access token."""

from base64 import b64decode, b64encode

from fetcher.imap.account import Account
from fetcher.imap.connection import Connection, Reply
from fetcher.imap.faults import ImapFault, fault_of_status
from fetcher.imap.quoting import text
from fetcher.imap.status import MAX_TEXT
from pipeline.connection import Category

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
    if "AUTH=PLAIN" in connection.capabilities:
        response = b64encode(f"\0{account.username}\0{account.secret}".encode())
        return await connection.authenticate("PLAIN", response, refusal=b"*")
    if "LOGINDISABLED" in connection.capabilities:
        raise ImapFault(Category.TLS, "the server takes no password without encryption: choose TLS or STARTTLS")
    return await connection.ask("LOGIN", text(account.username), text(account.secret), secret=True)


async def _with_token(connection: Connection, account: Account) -> Reply:
    if "AUTH=XOAUTH2" in connection.capabilities:
        response = b64encode(f"user={account.username}\1auth=Bearer {account.secret}\1\1".encode())
        return await connection.authenticate("XOAUTH2", response, refusal=b"")
    if "AUTH=OAUTHBEARER" in connection.capabilities:
        user = account.username.replace("=", "=3D").replace(",", "=2C")
        place = f"host={account.host}\1port={account.port}"
        response = b64encode(f"n,a={user},\1{place}\1auth=Bearer {account.secret}\1\1".encode())
        return await connection.authenticate("OAUTHBEARER", response, refusal=b64encode(b"\1"))
    raise ImapFault(Category.AUTHENTICATION, "the server does not offer sign-in with OAuth 2: use a password")


def _refusal(reply: Reply, connection: Connection, account: Account) -> ImapFault:
    fault = fault_of_status(reply.status, otherwise=Category.AUTHENTICATION)
    if account.auth == "xoauth2" and fault.category is Category.AUTHENTICATION:
        advice = "the server rejects the access token: sign in with the provider again"
        said = " ".join(filter(None, (fault.said, *(_reason(line, connection) for line in reply.challenges))))
        return ImapFault(Category.AUTH_EXPIRED, advice, code=fault.code, said=said)
    return fault


def _reason(challenge: bytes, connection: Connection) -> str:
    """Why a token was refused, as RFC 7628 section 3.2.2 and XOAUTH2 tell it: JSON, in base64. "" for nothing."""
    try:
        told = b64decode(challenge).decode("utf-8", "replace")
    except ValueError:
        return ""
    cleaned = "".join(c if c.isprintable() else " " for c in told)[:MAX_TEXT].strip()
    return "" if connection.concealer.mentions(cleaned) else cleaned
