"""How the server ended a command, and what can go wrong with a mailbox, in the eight categories of the connection test.

A `Status` is OK, NO or BAD, a response code in brackets and a text for people (RFC 5530). Every fault of the IMAP edge
is one `ImapFault`: a category for machines, a detail for people that says what to do. A detail holds what the server
said, cut and cleaned, and never a secret.
"""

import re
from dataclasses import dataclass

from pipeline.contracts.connection_test import Category

_RESULTS = frozenset(("OK", "NO", "BAD", "BYE", "PREAUTH"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Status:
    """`code` is in upper case, "" for none; `text` holds no control characters and is cut at 300 characters."""

    result: str
    code: str = ""
    details: str = ""
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command was carried out."""
        return self.result in ("OK", "PREAUTH")


def parse_status(line: bytes) -> Status:
    """The status in a line such as b'NO [AUTHENTICATIONFAILED] Wrong password'. Raises ValueError if there is none."""
    result, _, text = line.decode("utf-8", "replace").partition(" ")
    if result.upper() not in _RESULTS:
        raise ValueError("no status")
    code = details = ""
    if text.startswith("[") and "]" in text:
        inside, _, rest = text[1:].partition("]")
        name, _, what = inside.partition(" ")
        if name:
            code, details, text = name.upper(), what, rest
    return Status(result.upper(), code, details, clean(text))


def clean(text: str) -> str:
    """What a server said, for people: on one line, without control characters, cut at 300 characters."""
    return _CONTROL.sub(" ", text[: 2 * MAX_TEXT])[:MAX_TEXT].strip()


class ImapFault(Exception):
    """The mailbox could not be worked with.

    `code` is the server's response code (RFC 5530), "" where it gave none; `said` its words, which `detail` repeats;
    `wait_s` the seconds for which it asks to be left alone; `step` what helps, where the cause is known for certain.
    """

    def __init__(
        self, category: Category, advice: str, *, code: str = "", said: str = "", wait_s: float = 0.0, step: str = ""
    ) -> None:
        detail = advice + (f'; the server said: "{said}"' if said else "")
        super().__init__(f"{category}: {detail}")
        self.category = category
        self.detail = detail
        self.code = code
        self.said = said
        self.wait_s = wait_s
        self.step = step
        self.fingerprint = ""  # SHA-256 of the certificate that could not be checked
        self._advice = advice

    def again(self) -> "ImapFault":
        """The same fault, to be raised where the first is kept: a raised one holds on to all that its callers hold."""
        return ImapFault(
            self.category, self._advice, code=self.code, said=self.said, wait_s=self.wait_s, step=self.step
        )


class NotDone(ImapFault):
    """The server said OK to an action, and the mailbox shows that it was not done."""

    def __init__(self, detail: str) -> None:
        super().__init__(Category.CONNECTIVITY, detail)


class Withheld(ImapFault):
    """The server did not give out the emails `uids`, although it has them as far as is known; the others it did.

    Category and detail say how it failed; the session may live on.
    """

    def __init__(self, fault: ImapFault, uids: frozenset[int], told: frozenset[int] = frozenset()) -> None:
        super().__init__(fault.category, fault.detail, code=fault.code, wait_s=fault.wait_s)
        self.uids = uids
        self.told = told


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
_VAGUE = frozenset(("", "ALERT", "AUTHENTICATIONFAILED", "CANNOT", "OVERQUOTA", "UNAVAILABLE"))

# Texts of servers that send no response code, or a vague one. The first that fits counts.
_BY_TEXT = tuple(
    (re.compile(pattern, re.IGNORECASE), category)
    for pattern, category in (
        (r"too many simultaneous|too many .{0,30}connections|maximum number of connections", Category.THROTTLED),
        (r"throttl|rate limit|bandwidth limit|server busy|try again later", Category.THROTTLED),
        (r"temporar(y|ily)|internal (server )?error", Category.CONNECTIVITY),
        (r"token.{0,40}(expired|revoked)|(expired|revoked).{0,20}token|password.{0,20}expired", Category.AUTH_EXPIRED),
        (r"basicauth(blocked|disabled)|basic authentication is disabled", Category.AUTHENTICATION),
        (r"app(lication)?[- ]specific password|web ?login|log ?in via your web browser", Category.AUTHENTICATION),
        (
            r"imap.{0,40}(not enabled|disabled|turned off|switched off|not open)"
            r"|(yet to|not|please|must|need to) enable imap"
            r"|not enabled for imap|disabled for (your|this) (account|domain)",
            Category.PERMISSIONS,
        ),
        (r"unsafe login", Category.PERMISSIONS),  # 163.com, 126.com: to a program that they do not know
        (
            r"starttls (command )?first|(issue|use|requires?) (a )?starttls|(tls|ssl|encryption) (is )?required",
            Category.TLS,
        ),
        (
            r"must use (an? )?(tls|ssl|encrypt)"
            r"|(plain ?text|clear ?text) .{0,40}(disallowed|disabled|not (allowed|permitted))",
            Category.TLS,
        ),
        (r"user is authenticated but not connected", Category.PERMISSIONS),
        (r"authfailed|invalid credentials|(auth\w*|login|sign.?in|log.?on) .{0,20}fail", Category.AUTHENTICATION),
        (r"(mailbox|folder).{0,40}(doesn'?t exist|does not exist|not found|unknown)", Category.MAILBOX_NOT_FOUND),
        (r"(unknown|no such) (mailbox|folder)|nonexistent", Category.MAILBOX_NOT_FOUND),
        (r"permission|access denied|not allowed|read-only", Category.PERMISSIONS),
    )
)

_BACKOFF_TIME = re.compile(r"backoff time: (\d{1,9}) milliseconds", re.IGNORECASE)

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


def category_of(status: Status) -> Category | None:
    """What a NO, BAD or BYE is about; None when neither code nor text tells."""
    category = _by_text(status.text) if status.code in _VAGUE else None
    return category or _BY_CODE.get(status.code)


def fault_of_status(status: Status, *, otherwise: Category) -> ImapFault:
    """The fault behind a NO, BAD or BYE; `otherwise` is the category when neither code nor text tells."""
    category = category_of(status) or otherwise
    return ImapFault(category, _ADVICE[category], code=status.code, said=status.text, wait_s=_asked_to_wait(status))


def fault_in_session(status: Status) -> ImapFault:
    """The same for somebody who has signed in: whether that still holds, only the next sign-in can tell.

    Exchange ends a session with "AccessTokenExpired" when its token's hour is over, although the next one is at hand.
    """
    fault = fault_of_status(status, otherwise=Category.CONNECTIVITY)
    if fault.category not in (Category.AUTHENTICATION, Category.AUTH_EXPIRED):
        return fault
    return ImapFault(Category.CONNECTIVITY, "the server ended this sign-in", code=fault.code, said=fault.said)


def _asked_to_wait(status: Status) -> float:
    """In seconds: Exchange says "Suggested Backoff Time: 300000 milliseconds"."""
    found = _BACKOFF_TIME.search(status.text)
    return int(found[1]) / 1000 if found else 0.0


def _by_text(text: str) -> Category | None:
    return next((category for pattern, category in _BY_TEXT if pattern.search(text)), None)
