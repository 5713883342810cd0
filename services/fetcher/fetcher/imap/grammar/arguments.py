"""How text, folder names and search criteria become arguments of an IMAP command, and arguments become lines
(RFC 3501 sections 4.3, 5.1.3 and 6.4.4).

Folder names travel in modified UTF-7: printable ASCII stands for itself, "&" is "&-", and everything else is UTF-16BE
in base64 between "&" and "-", with "," in place of "/".

A quoted string may hold any 7-bit text on one line; everything else must travel as a literal, for which the server's
"+" is awaited. Command injection is impossible: a line break never gets into a quoted string.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

_TO_ENCODE = re.compile(r"&|[^\x20-\x7e]+")


def to_modified_utf7(name: str) -> str:
    """The folder name as it goes over the wire: printable ASCII only, whatever the name holds."""
    return _TO_ENCODE.sub(_shifted, name)


def from_modified_utf7(wire: str) -> str:
    """The folder name as people read it; a name that is not valid modified UTF-7 is returned as it is."""
    plain, *shifts = wire.split("&")
    try:
        return plain + "".join(map(_unshifted, shifts))
    except ValueError:
        return wire


def _shifted(found: re.Match[str]) -> str:
    text = found[0]
    if text == "&":
        return "&-"
    coded = b64encode(text.encode("utf-16-be", "surrogatepass")).decode("ascii")
    return f"&{coded.rstrip('=').replace('/', ',')}-"


def _unshifted(text: str) -> str:
    """What followed an "&", up to the next one. Raises ValueError where that is no modified UTF-7."""
    coded, end, plain = text.partition("-")
    if not end:
        raise ValueError("a shift is not closed")
    if not coded:
        return "&" + plain
    coded = coded.replace(",", "/")
    return b64decode(coded + "=" * (-len(coded) % 4), validate=True).decode("utf-16-be") + plain


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that are announced by their size and sent after the server's "+"."""

    data: bytes


@dataclass(frozen=True, slots=True)
class FolderName:
    """A folder's name for people, and its bytes on the wire: modified UTF-7, or whatever the server wrote itself."""

    name: str
    wire: bytes

    def __str__(self) -> str:
        """As it is shown in a log."""
        return f'"{self.name}"'


Argument = str | Literal | FolderName


def text(value: str) -> Argument:
    """`value` as an astring: quoted where that is allowed, else a literal in UTF-8. Raises ValueError for a NUL."""
    if "\0" in value:
        raise ValueError("a NUL cannot be sent in an IMAP command")
    if not value.isascii() or "\r" in value or "\n" in value:
        return Literal(value.encode("utf-8"))
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def folder(name: str) -> FolderName:
    """A folder name, encoded: modified UTF-7 is printable ASCII, so that it is always sent as a quoted string."""
    return FolderName(name, to_modified_utf7(name).encode("ascii"))


def lines(arguments: Iterable[Argument]) -> list[bytes]:
    """The pieces to send, without tag, name and final line break: the first at once, each other after a "+"."""
    pieces = [b""]
    for argument in arguments:
        gap = b" " if pieces[-1] or len(pieces) > 1 else b""
        sent = _sent(argument)
        if isinstance(sent, bytes):
            pieces[-1] += gap + sent
            continue
        pieces[-1] += gap + b"{%d}" % len(sent.data)
        pieces.append(sent.data)
    return pieces


def _sent(argument: Argument) -> bytes | Literal:
    if isinstance(argument, str):
        return argument.encode("ascii")
    if isinstance(argument, Literal):
        return argument
    if any(char in argument.wire for char in b"\r\n\0"):
        return Literal(argument.wire)
    return b'"%s"' % argument.wire.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Criteria:
    """Mails with a UID in (after_uid, up_to_uid], received on `since` or later, from any of the senders, with any of
    the words in the subject. An empty tuple or None asks for nothing.
    """

    after_uid: int = 0
    up_to_uid: int | None = None
    since: date | None = None
    senders: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def without_text(self) -> "Criteria":
        """The same for a server that cannot search text as we mean it: it finds more, headers decide later."""
        return replace(self, senders=(), subjects=())

    @property
    def charset_needed(self) -> bool:
        """Whether a key is not ASCII, so that the server must be told a charset."""
        return not all(word.isascii() for word in (*self.senders, *self.subjects))

    def wanted(self, uid: int) -> bool:
        """Whether the UID is in range: "9:*" names the last email even where its UID is below 9."""
        return uid > self.after_uid and (self.up_to_uid is None or uid <= self.up_to_uid)

    def keys(self) -> list[Argument]:
        """The search keys; all must hold."""
        keys: list[Argument] = ["UID", f"{self.after_uid + 1}:{self.up_to_uid or '*'}"]
        if self.since is not None:
            # strftime would write the month in the language of the machine
            keys += ["SINCE", f"{self.since.day}-{_MONTHS[self.since.month - 1]}-{self.since.year:04}"]
        return keys + _any("FROM", self.senders) + _any("SUBJECT", self.subjects)


def _any(key: str, words: Sequence[str]) -> list[Argument]:
    alternatives: list[Argument] = ["OR"] * (len(words) - 1)
    for word in words:
        alternatives += [key, text(word)]
    return alternatives
