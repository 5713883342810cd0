"""How text becomes an argument of an IMAP command (RFC 3501 section 4.3), and arguments become lines.

A quoted string may hold any 7-bit text on one line; everything else must travel as a literal, for which the server's
"+" is awaited. Command injection is impossible: a line break never gets into a quoted string.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fetcher.imap import mutf7


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that are announced by their size and sent after the server's "+"."""

    data: bytes


Argument = str | Literal


def text(value: str) -> Argument:
    """`value` as an astring: quoted where that is allowed, else a literal in UTF-8. Raises ValueError for a NUL."""
    if "\0" in value:
        raise ValueError("a NUL cannot be sent in an IMAP command")
    if not value.isascii() or "\r" in value or "\n" in value:
        return Literal(value.encode("utf-8"))
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def folder(name: str) -> str:
    """A folder name, encoded and quoted: always a quoted string, because modified UTF-7 is printable ASCII."""
    escaped = mutf7.encode(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def lines(arguments: Iterable[Argument]) -> list[bytes]:
    """The pieces to send, without tag, name and final line break: the first at once, each other after a "+"."""
    pieces = [b""]
    for argument in arguments:
        gap = b" " if pieces[-1] or len(pieces) > 1 else b""
        if isinstance(argument, str):
            pieces[-1] += gap + argument.encode("ascii")
            continue
        pieces[-1] += gap + b"{%d}" % len(argument.data)
        pieces.append(argument.data)
    return pieces
