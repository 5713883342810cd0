"""What can go wrong with a mailbox, in the eight categories that the connection test speaks of.

Every fault of the IMAP edge is one `ImapFault`: a category for machines, a detail for people that says what to do.
A detail holds what the server said, cut and cleaned, and never a secret.
"""

import re
import socket
import ssl

from fetcher.imap.status import Status
from pipeline.connection import Category


class ImapFault(Exception):
    """The mailbox could not be worked with. `code` is the server's response code (RFC 5530), "" where it gave none."""

    def __init__(self, category: Category, detail: str, *, code: str = "") -> None:
        super().__init__(f"{category}: {detail}")
        self.category = category
        self.detail = detail
        self.code = code


# RFC 5530, RFC 3501, RFC 9051 and what large providers add.
_BY_CODE = {
    "AUTHENTICATIONFAILED": Category.AUTHENTICATION,
    "AUTHORIZATIONFAILED": Category.PERMISSIONS,
    "EXPIRED": Category.AUTH_EXPIRED,
    "PRIVACYREQUIRED": Category.TLS,
    "CONTACTADMIN": Category.PERMISSIONS,
    "NOPERM": Category.PERMISSIONS,
    "CANNOT": Category.PERMISSIONS,
    "READ-ONLY": Category.PERMISSIONS,
    "OVERQUOTA": Category.PERMISSIONS,
    "NONEXISTENT": Category.MAILBOX_NOT_FOUND,
    "TRYCREATE": Category.MAILBOX_NOT_FOUND,
    "LIMIT": Category.THROTTLED,
    "THROTTLED": Category.THROTTLED,
    "INUSE": Category.THROTTLED,
    "UNAVAILABLE": Category.CONNECTIVITY,
    "SERVERBUG": Category.CONNECTIVITY,
    "WEBALERT": Category.AUTHENTICATION,
}

# Codes that say less than the text beside them.
_VAGUE = frozenset(("", "ALERT", "AUTHENTICATIONFAILED", "CANNOT", "UNAVAILABLE"))

# Texts of servers that send no response code, or a vague one. The first that fits counts.
_BY_TEXT = tuple(
    (re.compile(pattern, re.IGNORECASE), category)
    for pattern, category in (
        (r"too many simultaneous|too many .{0,30}connections|maximum number of connections", Category.THROTTLED),
        (r"throttl|rate limit|bandwidth limit|request is throttled|server busy|try again later", Category.THROTTLED),
        (r"temporar(y|ily)|internal (server )?error", Category.CONNECTIVITY),
        (r"token.{0,40}(expired|revoked)|(expired|revoked).{0,20}token|password.{0,20}expired", Category.AUTH_EXPIRED),
        (r"basicauth(blocked|disabled)|basic authentication is disabled", Category.AUTHENTICATION),
        (r"app(lication)?[- ]specific password|web ?login|log ?in via your web browser", Category.AUTHENTICATION),
        (
            r"imap.{0,40}(not enabled|disabled)|not enabled for imap|disabled for (your|this) (account|domain)",
            Category.PERMISSIONS,
        ),
        (r"user is authenticated but not connected", Category.PERMISSIONS),
        (r"authfailed|invalid credentials|(auth\w*|login|sign.?in|log.?on) .{0,20}fail", Category.AUTHENTICATION),
        (r"(mailbox|folder).{0,40}(doesn'?t exist|does not exist|not found|unknown)", Category.MAILBOX_NOT_FOUND),
        (r"(unknown|no such) (mailbox|folder)|nonexistent", Category.MAILBOX_NOT_FOUND),
        (r"permission|access denied|not allowed|read-only", Category.PERMISSIONS),
    )
)

_ADVICE = {
    Category.AUTHENTICATION: "the server refused the sign-in: check user name and password",
    Category.AUTH_EXPIRED: "the sign-in has expired: renew the password or sign in with the provider again",
    Category.CONNECTIVITY: "the server could not do this now: try again later",
    Category.TLS: "the server asks for encryption: choose TLS or STARTTLS",
    Category.MAILBOX_NOT_FOUND: "the folder does not exist: check its name",
    Category.PERMISSIONS: "the account may not do this: check its rights and its quota",
    Category.TIMEOUT: "the server took too long: try again later",
    Category.THROTTLED: "the server limits this account now: fewer connections, or try again later",
}


def fault_of_status(status: Status, *, otherwise: Category) -> ImapFault:
    """The fault behind a NO, BAD or BYE; `otherwise` is the category when neither code nor text tells."""
    category = _by_text(status.text) if status.code in _VAGUE else None
    category = category or _BY_CODE.get(status.code) or otherwise
    said = f'; the server said: "{status.text}"' if status.text else ""
    return ImapFault(category, _ADVICE[category] + said, code=status.code)


def fault_of_os_error(error: OSError, *, host: str, port: int) -> ImapFault:
    """The fault behind a connection that could not be made, or was lost with an error."""
    place = f"{host}:{port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return ImapFault(Category.TLS, f"the certificate of {place} is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        reason = (getattr(error, "reason", None) or "handshake failed").replace("_", " ").lower()
        return ImapFault(Category.TLS, f"no encrypted connection to {place} ({reason}): check port and security")
    if isinstance(error, socket.gaierror):
        return ImapFault(Category.CONNECTIVITY, f"the host name {host} cannot be resolved: check it for typing errors")
    if isinstance(error, ConnectionRefusedError):
        return ImapFault(Category.CONNECTIVITY, f"{place} refuses connections: check host and port")
    if isinstance(error, TimeoutError):
        return ImapFault(Category.TIMEOUT, f"{place} does not answer: check host, port and firewall")
    return ImapFault(Category.CONNECTIVITY, f"no connection to {place}: {error.strerror or type(error).__name__}")


def _by_text(text: str) -> Category | None:
    return next((category for pattern, category in _BY_TEXT if pattern.search(text)), None)
