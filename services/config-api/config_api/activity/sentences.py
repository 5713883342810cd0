"""Lines of the connection log as sentences, made from their names and facts. Pure.

A line says in a sentence what was done; the facts that are not in the sentence stay beside it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from pipeline.contracts.connection_test import Category

Facts = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The sentence, and the names of the facts that it tells already."""

    text: str
    told: frozenset[str] = frozenset()


FAULTS = {
    Category.AUTHENTICATION: "The server refused the sign-in",
    Category.AUTH_EXPIRED: "The sign-in has expired",
    Category.CONNECTIVITY: "The server was not reached",
    Category.TLS: "The connection could not be encrypted",
    Category.MAILBOX_NOT_FOUND: "The folder was not found",
    Category.PERMISSIONS: "The server does not permit it",
    Category.THROTTLED: "The server is limiting requests",
    Category.TIMEOUT: "The server did not answer in time",
    Category.STORE_FULL: "The store for large emails is full",
}
COMMANDS = {
    "LOGIN": "Signing in",
    "AUTHENTICATE": "Signing in",
    "SELECT": "Opening the folder",
    "EXAMINE": "Opening the folder",
    "LIST": "Listing folders",
    "CREATE": "Creating a folder",
    "CAPABILITY": "Asking what the server can do",
    "UID SEARCH": "Searching for emails",
    "UID FETCH": "Fetching emails",
    "UID STORE": "Marking emails",
    "UID MOVE": "Moving emails",
    "UID COPY": "Copying emails",
    "UID EXPUNGE": "Removing emails",
    "STARTTLS": "Encrypting the connection",
    "IDLE": "Waiting for new email",
    "NOOP": "Asking for new email",
    "ID": "Introducing DMARQ",
    "LOGOUT": "Signing out",
}


def sentence_of(name: str, data: Facts) -> Sentence:
    """The sentence for a line; a name that is not known is told in plain words."""
    make = _SENTENCES.get(name)
    if make is None:
        words = name.replace("_", " ")
        return Sentence(f"{words[:1].upper()}{words[1:]}.")
    return make(data)


def rest_of(data: Facts, told: frozenset[str]) -> list[tuple[str, str]]:
    """The facts that a sentence does not tell, each with its name in words; nothing that is empty."""
    return [
        (name.replace("_", " "), _shown(value))
        for name, value in data.items()
        if name not in told and value not in _EMPTY
    ]


_EMPTY: tuple[object, ...] = (None, "", [], {})


def _shown(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    return str(value)


def _emails(uids: JsonValue) -> str:
    """A set of UIDs in words: "1 email (UID 2)", "5 emails (UIDs 2:4,9,11)"."""
    text = str(uids or "")
    count = sum(_width(part) for part in text.split(",") if part)
    return f"1 email (UID {text})" if count == 1 else f"{count} emails (UIDs {text})"


def _width(part: str) -> int:
    first, _, last = part.partition(":")
    return int(last) - int(first) + 1 if last.isdecimal() and first.isdecimal() else 1


def _seconds(value: JsonValue) -> str:
    if not isinstance(value, int | float):
        return ""
    if value < 90:
        return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
    return f"{value / 60:.0f} min"


def _because(data: Facts, *names: str) -> str:
    why = "; ".join(str(data[name]).rstrip(".") for name in names if data.get(name))
    return f": {why}" if why else ""


def _connected(data: Facts) -> Sentence:
    tls = data.get("tls")
    how = "without encryption" if tls in (None, "none", "") else f"encrypted with {tls}"
    place = f"{data.get('host', 'the server')}, port {data.get('port', '?')}"
    return Sentence(f"Connected to {place}, {how}.", frozenset({"host", "port", "tls"}))


def _signed_in(data: Facts) -> Sentence:
    how = " with OAuth" if data.get("auth") == "xoauth2" else ""
    return Sentence(f"Signed in as {data.get('username', 'the user')}{how}.", frozenset({"username", "auth"}))


def _command(data: Facts) -> Sentence:
    command = str(data.get("command", "")).upper()
    doing = COMMANDS.get(command) or f"The command {command}"
    took = f" ({data['ms']} ms)" if "ms" in data else ""
    told = frozenset({"result", "ms", "text"} | ({"command"} if command not in COMMANDS else set()))
    if data.get("result") == "OK":
        return Sentence(f"{doing} went well{took}.", told)
    return Sentence(f"{doing} was refused{took}{_because(data, 'text')}.", told)


def _failed(data: Facts) -> Sentence:
    category = str(data.get("category", ""))
    text = FAULTS.get(Category(category)) if category in set(Category) else None
    again = _seconds(data.get("retry_in_s"))
    later = f" The next attempt is in {again}." if again else ""
    told = frozenset({"category", "detail", "retry_in_s"})
    return Sentence(f"{text or 'It failed'}{_because(data, 'detail')}.{later}", told)


def _moved(data: Facts) -> Sentence:
    return Sentence(
        f"Moved {_emails(data.get('uids'))} to {data.get('folder', 'the folder')}.", frozenset({"uids", "folder"})
    )


def _selected(data: Facts) -> Sentence:
    number = data.get("mails")
    holds = f", which holds {number} emails" if isinstance(number, int) else ""
    return Sentence(f"Opened the folder {data.get('folder', '')}{holds}.", frozenset({"folder", "mails"}))


def _fetched(data: Facts) -> Sentence:
    number = data.get("mails", 0)
    return Sentence(f"Fetched {number} {'email' if number == 1 else 'emails'}.", frozenset({"mails"}))


def _searched(data: Facts) -> Sentence:
    number = data.get("found", 0)
    return Sentence(f"Found {number} {'email' if number == 1 else 'emails'} to look at.", frozenset({"found"}))


def _plain(text: str, *told: str) -> Callable[[Facts], Sentence]:
    """A sentence with some facts behind a colon."""

    def make(data: Facts) -> Sentence:
        return Sentence(f"{text}{_because(data, *told)}.", frozenset(told))

    return make


_SENTENCES: Mapping[str, Callable[[Facts], Sentence]] = {
    "connected": _connected,
    "signed_in": _signed_in,
    "command": _command,
    "failed": _failed,
    "moved": _moved,
    "removed": lambda data: Sentence(f"Removed {_emails(data.get('uids'))}.", frozenset({"uids"})),
    "not_removed": lambda data: Sentence(
        f"{_emails(data.get('uids'))} could not be removed{_because(data, 'why')}.", frozenset({"uids", "why"})
    ),
    "selected": _selected,
    "fetched": _fetched,
    "searched": _searched,
    "folder_created": _plain("Created the folder", "folder"),
    "not_listed": _plain("The folders could not be listed", "why", "text"),
    "extension_refused": _plain("The server refused an extension that it advertises", "extension", "text"),
    "skipped": _plain("Ignored an answer that could not be read", "what"),
    "search_by_headers": _plain("Reading the headers of all emails instead of searching", "why", "text"),
    "no_goodbye": _plain("The server closed the connection without warning"),
    "idle_refused": _plain("The server refuses to announce new email; it is asked every minute", "detail"),
    "only_archived": _plain("Removed emails stay in the archive of the server", "why"),
    "unsafe": _plain("Not safe", "why"),
    "not_reached": _plain("The certificate was looked at", "why"),
    "internal_error": _plain("An error of DMARQ's own; please report it", "error", "detail"),
    "capabilities": _plain("The server listed what it can do"),
    "disconnected": _plain("Disconnected", "why"),
}
