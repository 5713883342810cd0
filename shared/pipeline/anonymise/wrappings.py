"""An anonymised copy of bytes: text in clear, in base64, uuencode, gzip, zlib and zip, each wrapped again.

What cannot be unwrapped (pictures, signatures, damaged or encrypted archives) keeps its first bytes, by which it is
known, and is blank behind them. Bounded: in the bytes that are unwrapped, in depth, and in members.
"""

import base64
import binascii
import io
import re
import secrets
import zipfile
import zlib
from typing import Final

from pipeline.anonymise.words import Words

MAX_BYTES: Final = 16 * 1024 * 1024  # unwrapped bytes of one copy
MAX_DEPTH: Final = 6
MAX_MEMBERS: Final = 200
KEPT_BYTES: Final = 8  # of what cannot be unwrapped: they tell what it is
KEPT_OF_DER: Final = 24  # the same of a signed or encrypted mail, which says so later

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_VOLUME_MARKS: Final = (b"PK00PK", b"PK30PK")
_GZIP_FRAME: Final = 31
_UTF16: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROLS: Final = bytes(set(range(32)) - {0, 9, 10, 12, 13, 27})
# Lines of uuencode, or of base64, as encoders write them; the last one may be shorter.
_ENCODED: Final = re.compile(
    rb"^(?:(?P<begin>begin [^\r\n]{1,300}\r?\n)(?P<uu>(?:[!-M][\x20-\x60]{4,60}\r?\n)++)(?=[ `]?\r?\n?end)"
    rb"|(?:(?:[A-Za-z0-9+/]{40,1000}\r?\n)+(?:[A-Za-z0-9+/]{1,1000}={0,2})?|[A-Za-z0-9+/]{8,1000}={0,2})"
    rb"[ \t]*(?=\r?\n|\Z))",
    re.MULTILINE,
)
_UUENCODED_BYTES: Final = 45  # of a line


class _Unreadable(Exception):
    """This cannot be unwrapped."""


def anonymised(data: bytes, *, key: bytes | None = None) -> bytes:
    """A copy of a mail or a file with others in the place of names, addresses, domains, IP addresses and numbers.

    Structure, sizes of texts and what is odd stay. Under one `key` (a random one by default) the same is replaced by
    the same. Never raises for what is in the bytes.
    """
    return _Copy(Words(key or secrets.token_bytes(16))).of(data, depth=0)


class _Copy:
    """One copy being made, and what it may still cost."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._bytes_left = MAX_BYTES
        self._members_left = MAX_MEMBERS

    def of(self, data: bytes, *, depth: int) -> bytes:
        """The copy of these bytes, whatever they are."""
        try:
            if depth > MAX_DEPTH:
                raise _Unreadable
            if data.startswith(_GZIP):
                return self._deflated(data, depth, window_bits=_GZIP_FRAME)
            if data.startswith(_ZIP):
                return self._zip(data, depth)
            if data.startswith(_VOLUME_MARKS):
                return data[:4] + self.of(data[4:], depth=depth + 1)
            if data[:1] == b"x" and int.from_bytes(data[:2], "big") % 31 == 0:
                return self._deflated(data, depth, window_bits=zlib.MAX_WBITS)
            return self._text(data, depth)
        except (_Unreadable, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError):
            kept = KEPT_OF_DER if data.startswith(b"0") else KEPT_BYTES
            return data[:kept] + bytes(max(0, len(data) - kept))

    def _text(self, data: bytes, depth: int) -> bytes:
        encoding = _utf16(data)
        if encoding:
            text = data.decode(encoding, "replace").encode("utf-8", "replace")
            return self._text(text, depth).decode("utf-8", "replace").encode(encoding, "replace")
        head = data[:4096]
        is_der = data[:1] == b"0" and data[1:2] >= b"\x80"
        if is_der or (len(head) - len(head.translate(None, _CONTROLS))) * 10 > len(head):
            raise _Unreadable
        out: list[bytes] = []
        at = 0
        for found in _ENCODED.finditer(data):
            block = self._uuencoded(found["uu"], depth) if found["uu"] else self._base64(found[0], depth)
            if block is not None:
                out += (self._words.in_bytes(data[at : found.start("uu") if found["uu"] else found.start()]), block)
                at = found.end()
        return b"".join((*out, self._words.in_bytes(data[at:])))

    def _uuencoded(self, lines: bytes, depth: int) -> bytes | None:
        """The copy of the lines of a uuencoded file; None where they are none."""
        end = b"\r\n" if b"\r\n" in lines else b"\n"
        try:
            plain = b"".join(map(binascii.a2b_uu, lines.splitlines()))
        except binascii.Error:
            return None
        self._spend(len(plain))
        copy = self.of(plain, depth=depth + 1)
        pieces = (copy[at : at + _UUENCODED_BYTES] for at in range(0, len(copy), _UUENCODED_BYTES))
        return b"".join(binascii.b2a_uu(piece).rstrip(b"\n") + end for piece in pieces)

    def _base64(self, block: bytes, depth: int) -> bytes | None:
        """The copy of lines of base64, in lines of the same length; None where they are words after all."""
        lines = block.split()
        text = b"".join(lines)
        if len(text) < 60 and not text.endswith(b"="):
            return None
        try:
            plain = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
        except binascii.Error:
            return None
        self._spend(len(plain))
        coded = base64.b64encode(self.of(plain, depth=depth + 1))
        width = len(lines[0]) if len(lines) > 1 else len(coded)
        end = b"\r\n" if b"\r\n" in block else b"\n"
        return end.join(coded[at : at + width] for at in range(0, len(coded), width))

    def _deflated(self, data: bytes, depth: int, *, window_bits: int) -> bytes:
        inflater = zlib.decompressobj(window_bits)
        plain = inflater.decompress(data, max(1, self._bytes_left))
        self._spend(len(plain) + len(inflater.unconsumed_tail))
        deflater = zlib.compressobj(wbits=window_bits)
        packed = deflater.compress(self.of(plain, depth=depth + 1)) + deflater.flush()
        if not inflater.eof:
            return packed[:-8]  # it was cut, and so is the copy
        rest = inflater.unused_data
        return packed + (self.of(rest, depth=depth + 1) if rest else b"")

    def _zip(self, data: bytes, depth: int) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as read, zipfile.ZipFile(out, "w") as written:
            for info in read.infolist():
                self._members_left -= 1
                if self._members_left < 0 or info.file_size > self._bytes_left:
                    raise _Unreadable
                with read.open(info) as member:
                    plain = member.read(self._bytes_left + 1)
                self._spend(len(plain))
                copied = zipfile.ZipInfo(self._words.in_text(info.filename) or "x")
                copied.compress_type = info.compress_type
                written.writestr(copied, self.of(plain, depth=depth + 1))
        return out.getvalue()

    def _spend(self, count: int) -> None:
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise _Unreadable


def _utf16(data: bytes) -> str:
    """Which UTF-16 this is, with its mark or, where it is mostly ASCII, without one; empty for another encoding."""
    for mark, encoding in _UTF16:
        if data.startswith(mark):
            return encoding
    is_wide = b"\x00" in data[:2] and data[:2] != b"\x00\x00"
    return ("utf-16-be" if data[:1] == b"\x00" else "utf-16-le") if is_wide else ""
