"""Folder names as people write them, and as this server has them.

Servers differ in the level separator ("/" or ".") and some keep everything below "INBOX.". A name that exists as
written is never changed.
"""

from collections.abc import Iterable

from fetcher.imap.answers import Namespace
from fetcher.imap.listing import Folder


def existing(wanted: str, folders: Iterable[Folder], own: Namespace | None) -> str | None:
    """The folder that `wanted` means, by its real name; None when there is none that can hold mail."""
    there = [folder.name for folder in folders if folder.selectable]
    for candidate in (wanted, _below_prefix(wanted, own), _with_separator(wanted, own)):
        if candidate in there:
            return candidate
    alike = (name for name in there if same(name, wanted) or name.strip() == wanted.strip())
    return next(alike, None)


def same(one: str, other: str) -> bool:
    """Whether two names are the same folder; INBOX alone is written in any case (RFC 3501 section 5.1)."""
    return one == other or one.upper() == other.upper() == "INBOX"


def to_create(wanted: str, own: Namespace | None) -> str:
    """The name under which a missing folder is created."""
    return _below_prefix(wanted, own)


def guessed(folders: Iterable[Folder]) -> Namespace | None:
    """Where a server without NAMESPACE keeps the account's folders, by what LIST told; None where it told nothing."""
    listed = list(folders)
    delimiter = next((folder.delimiter for folder in listed if folder.delimiter), None)
    if delimiter is None:
        return None
    others = [folder.name for folder in listed if folder.name.upper() != "INBOX"]
    prefix = f"INBOX{delimiter}"
    below = bool(others) and all(name.startswith(prefix) for name in others)
    return Namespace(prefix if below else "", delimiter)


def _with_separator(name: str, own: Namespace | None) -> str:
    if own is None or own.delimiter in (None, "", "/"):
        return name
    return name.replace("/", str(own.delimiter))


def _below_prefix(name: str, own: Namespace | None) -> str:
    separated = _with_separator(name, own)
    if own is None or separated.upper() == "INBOX" or separated.startswith(own.prefix):
        return separated
    return own.prefix + separated
