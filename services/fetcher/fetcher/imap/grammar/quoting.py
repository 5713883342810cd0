"""How text becomes an argument of an IMAP command (RFC 3501 section 4.3), and arguments become lines.

A quoted string may hold any 7-bit text on one line; everything else must travel as a literal, for which the server's
"+" is awaited. Command injection is impossible: a line break never gets into a quoted string.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fetcher.imap.grammar import mutf7


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
    return FolderName(name, mutf7.encode(name).encode("ascii"))


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
