"""uuencoded files (POSIX uuencode) in a text: between "begin 644 name" and "end", several of them, or as an encoding.

Read with what happens to them on the way: blanks cut off at line ends, odd or missing modes, no "end" line. The form
"begin-base64 644 name", which ends at "====", is read too.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.contracts.repairs import MailRepair

MAX_FILES: Final = 200  # in one text

_BEGIN: Final = re.compile(
    rb"^(?P<kind>begin|begin-base64)[ \t]++(?:[0-9]{1,10}[ \t]++(?=[^\r\n]))?+(?P<name>[^\r\n]{1,255}+)\r?\n"
    rb"(?=(?P<first>[^\r\n]{1,100}))",
    re.MULTILINE,
)
_LINE: Final = re.compile(rb"[^\n]*(?:\n|\Z)")
_NOT_BASE64: Final = bytes(
    byte for byte in range(256) if not (chr(byte).isalnum() and byte < 128) and byte not in b"+/"
)
_BASE64_END: Final = re.compile(rb"^====", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One file in a text: its name as written, its bytes, and what had to be repaired."""

    name: str
    data: bytes
    repairs: tuple[str, ...] = ()


def has_files(text: bytes) -> bool:
    """Whether a text holds a uuencoded file; the word "begin" in a letter is none."""
    return b"begin" in text and _beginning(text, 0) is not None


def files(text: bytes) -> Iterator[Encoded]:
    """The files in a text, in order."""
    at = 0
    for _ in range(MAX_FILES):
        found = _beginning(text, at)
        if found is None:
            return
        data, repairs, at = (_lines if found["kind"] == b"begin" else _base64)(text, found.end())
        yield Encoded(found["name"].strip().decode("utf-8", "replace"), data, repairs)


def decoded(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The first file of a body that says that it is uuencoded (x-uuencode), even without its "begin" line."""
    first = next(files(body), None)
    if first is not None:
        return first.data, first.repairs
    data, repairs, _ = _lines(body, len(body) - len(body.lstrip(b"\r\n")))
    return data, repairs


def _beginning(text: bytes, at: int) -> re.Match[bytes] | None:
    found = _BEGIN.finditer(text, at)
    return next((one for one in found if one["kind"] != b"begin" or _is_data(one["first"])), None)


def _is_data(line: bytes) -> bool:
    """Whether a line is about as long as its first character says, and has none but the characters of uuencode."""
    line = line.rstrip()
    count = _byte_count(line)
    wanted = (count + 2) // 3 * 4 + 1
    return 0 < count <= 45 and wanted - 8 <= len(line) <= wanted + 2 and all(0x20 <= byte <= 0x60 for byte in line)


def _lines(text: bytes, at: int) -> tuple[bytes, tuple[str, ...], int]:
    """The bytes of the lines from `at` on, the repairs, and where the file ends."""
    out = bytearray()
    is_bent = is_over = False
    for found in _LINE.finditer(text, at):
        line = found[0].rstrip(b"\r\n")
        if line.strip() == b"end":
            return bytes(out), (MailRepair.UUENCODE_LINES,) if is_bent else (), found.end()
        if line.strip() in (b"", b"`"):
            is_over = True
            continue
        piece = None if is_over else _line(line)
        if piece is None:
            return bytes(out), (MailRepair.UUENCODE_LINES,), found.start()
        out += piece[0]
        is_bent |= piece[1]
    return bytes(out), (MailRepair.UUENCODE_LINES,), len(text)


def _line(line: bytes) -> tuple[bytes, bool] | None:
    """The bytes of a line, and whether it is longer than it says; None when it is no line of uuencode."""
    wanted = (_byte_count(line) + 2) // 3 * 4 + 1
    for piece in (line, line[:wanted]):
        try:
            return binascii.a2b_uu(piece), piece is not line
        except binascii.Error:
            continue
    return None


def _base64(text: bytes, at: int) -> tuple[bytes, tuple[str, ...], int]:
    end = _BASE64_END.search(text, at)
    joined = text[at : end.start() if end else len(text)].translate(None, _NOT_BASE64)
    joined = joined[:-1] if len(joined) % 4 == 1 else joined
    data = binascii.a2b_base64(joined + b"=" * (-len(joined) % 4))
    return data, () if end else (MailRepair.UUENCODE_LINES,), end.end() if end else len(text)


def _byte_count(line: bytes) -> int:
    return (line[0] - 0x20) & 0x3F if line else 0
