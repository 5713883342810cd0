"""A dump of a database in which a tool kept reports as they came: `raw_xml` of dmarcts-report-parser, and its like.

Dumps of mysqldump, mariadb-dump and pg_dump are read, without regard to tables and columns: every value that is a
report is one. dmarcts-report-parser keeps the XML, or gzip of it in base64. One value is in memory at a time.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from binascii import unhexlify
from collections.abc import Iterator
from typing import BinaryIO, Final

from dmarq.foreign.document import Found

TOOL: Final = "a database dump"
MAX_VALUE: Final = 16 * 1024 * 1024  # bytes
PIECE: Final = 256 * 1024
SHORTEST: Final = 60  # bytes; a shorter value is no report

_STATEMENT: Final = re.compile(
    rb"^(?:INSERT INTO|REPLACE INTO|COPY|CREATE TABLE|-- \w+ dump|-- PostgreSQL)", re.MULTILINE
)
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}<(?:\?xml|!--|\w{0,20}:?feedback)")
_HEX: Final = re.compile(rb"(?:0x|\\x)((?:[0-9A-Fa-f]{2})+)\Z")
_ESCAPED: Final = re.compile(rb"\\(.)|''", re.DOTALL)
_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"Z": b"\x1a"}
_OPENS: Final = re.compile(rb"'|\b0x(?=[0-9A-Fa-f])|^-- |^COPY ", re.MULTILINE)
_TOKEN: Final = re.compile(
    rb"'(?P<text>(?:[^'\\]++|\\.|'')*+)'|(?P<hex>0x[0-9A-Fa-f]++)|-- [^\n]*+\n|(?P<copy>COPY [^\n;]*+;\r?\n)", re.DOTALL
)
_COPY_END: Final = b"\\."


def is_dump(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a dump."""
    return _STATEMENT.search(start) is not None and b"\0" not in start


def of_dump(file: BinaryIO, *, name: str) -> Iterator[Found]:
    """Every value that is a report, as it came; a value that is larger than any report may be is refused."""
    number = 0
    for value in _values(file):
        if value is None:
            number += 1
            yield Found(TOOL, f"{name}#{number}", refused=f"a value larger than {MAX_VALUE:,} bytes")
            continue
        document = report_in(value)
        if document is not None:
            number += 1
            yield Found(TOOL, f"{name}#{number}", document)


def report_in(value: bytes) -> bytes | None:
    """The report that a value is: XML, gzip, or either in base64 or hexadecimal; None for any other value."""
    if len(value) < SHORTEST:
        return None
    if _XML.match(value) or value.startswith((b"\x1f\x8b\x08", b"PK\x03\x04")):
        return value
    hexadecimal = _HEX.match(value)
    if hexadecimal:
        return report_in(unhexlify(hexadecimal[1]))
    if not value.startswith((b"H4sI", b"UEsDB", b"PD94bW", b"PGZlZWRiYWNr")):  # gzip, zip, "<?xm", "<feedback"
        return None
    try:
        return b64decode(value)
    except Base64Error:
        return None


def _values(file: BinaryIO) -> Iterator[bytes | None]:
    """The values in quotes and in hexadecimal of statements, and the fields of COPY; None for one that is too large."""
    text = _Text(file)
    while token := text.token():
        if token["copy"] is not None:
            yield from text.copied()
        elif token["text"] is not None:
            yield _unescaped(token["text"])
        elif token["hex"] is not None:
            yield token["hex"]
    if not text.is_whole:
        yield None


class _Text:
    """The part of the dump that was read and not used yet."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held = b""
        self._at = 0
        self.is_whole = False

    def token(self) -> re.Match[bytes] | None:
        """The next value, comment or begin of a COPY; None at the end, and where one is larger than it may be."""
        while True:
            opening = _OPENS.search(self._held, self._at)
            self._at = opening.start() if opening else max(self._at, len(self._held) - len("COPY "))
            found = _TOKEN.match(self._held, self._at) if opening else None
            if found and (found.end() < len(self._held) or self.is_whole):
                self._at = found.end()
                return found
            if self.is_whole or not self._read():
                return None

    def copied(self) -> Iterator[bytes | None]:
        """The fields of the rows up to the end of a COPY; None where a row is larger than it may be."""
        while True:
            end = self._held.find(b"\n", self._at)
            if end < 0:
                if self.is_whole or not self._read():
                    return
                continue
            line, self._at = self._held[self._at : end].rstrip(b"\r"), end + 1
            if line == _COPY_END:
                return
            yield from map(_unescaped, line.split(b"\t"))

    def _read(self) -> bool:
        """Reads as much again as is held; False where that is too much already."""
        held = len(self._held) - self._at
        if held > MAX_VALUE:
            return False
        piece = self._file.read(max(PIECE, held))
        self.is_whole = not piece
        self._held, self._at = self._held[self._at :] + piece, 0
        return True


def _unescaped(text: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: b"'" if found[1] is None else _LETTERS.get(found[1], found[1]), text)
