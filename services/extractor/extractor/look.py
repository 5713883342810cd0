"""A closer look at bytes whose first ones say nothing: perhaps somebody encoded them and said so nowhere, or wrongly.

Base64 (once more, in PEM, behind a line of junk), uuencode, zlib and raw deflate, a zip behind a program. Only taken
where the plain look found text or nothing known, and believed only where what comes out is known.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Final

from extractor import uuencode
from extractor.decode import LATE_START, MAX_JUNK, base64_of
from extractor.sniff import Sniffed, sniff
from extractor.zipdirectory import has_directory
from pipeline.contracts.repairs import MailRepair
from pipeline.mailformat.inflate import RAW_DEFLATE

UNCLEAR: Final = frozenset({Sniffed.TEXT, Sniffed.BINARY})
ROUNDS: Final = 3  # of base64 in base64

_ENCODED_LINE: Final = re.compile(rb"\s{0,64}[A-Za-z0-9+/_-]{20,}={0,2}\s*(?:\Z|\n)")
_PEM: Final = re.compile(rb"\s{0,64}-----BEGIN (?:PKCS7|PKCS #7 SIGNED DATA|CMS)-----\s([^-]*)")
_NOTHING_KNOWN: Final = frozenset({Sniffed.TEXT, Sniffed.BINARY, Sniffed.EMPTY, Sniffed.HTML})
_ZLIB_FIRST: Final = b"\x08\x18\x28\x38\x48\x58\x68\x78"
_TRIED: Final = 4096  # bytes that are inflated to see what they are


@dataclass(frozen=True, slots=True)
class Seen:
    """The bytes behind the encoding, what they are, and what had to be repaired."""

    data: bytes
    kind: Sniffed
    repairs: tuple[str, ...] = ()


def look_closer(data: bytes, *, kind: Sniffed, is_carrier: bool) -> Seen:
    """What `data` is behind undeclared encodings; `data` and `kind` as they are where nothing more is seen.

    `is_carrier`: its label is one under which reports travel, so that guesses without a mark are worth trying.
    """
    if kind is Sniffed.TEXT:
        return _in_text(data)
    if has_directory(data):
        return Seen(data, Sniffed.ZIP)
    if _is_deflated(data, is_carrier=is_carrier):
        return Seen(data, Sniffed.DEFLATE)
    return Seen(data, kind)


def _in_text(data: bytes) -> Seen:
    if uuencode.has_files(data):
        return Seen(data, Sniffed.UUENCODED)
    seen = data
    repairs: tuple[str, ...] = ()
    for _ in range(ROUNDS):
        decoded = _decoded(seen)
        if decoded is None:
            break
        seen, repairs = decoded[0], (*repairs, *decoded[1])
        kind = sniff(seen)
        if kind is Sniffed.BINARY and _is_deflated(seen, is_carrier=False):
            kind = Sniffed.DEFLATE
        if kind not in _NOTHING_KNOWN:
            return Seen(seen, kind, tuple(dict.fromkeys(repairs)))
    return Seen(data, Sniffed.TEXT)


def _decoded(text: bytes) -> tuple[bytes, tuple[str, ...]] | None:
    """The bytes of base64 that begins with the text, in PEM or behind a few lines; None where there is none."""
    pem = _PEM.match(text)
    if pem:
        return base64_of(pem[1])[0], ()
    at = 0
    if not _ENCODED_LINE.match(text):
        late = LATE_START.search(text, 0, MAX_JUNK)
        if late is None:
            return None
        at = late.start()
    data, repairs = base64_of(text[at:])
    return data, (MailRepair.BASE64_UNDECLARED, *repairs)


def _is_deflated(data: bytes, *, is_carrier: bool) -> bool:
    """Whether a zlib stream begins here (RFC 1950), or, under a promising label, a deflate stream without a frame."""
    if len(data) < 8:
        return False
    window_bits = window_bits_of(data)
    if window_bits == RAW_DEFLATE and not is_carrier:
        return False
    try:
        plain = zlib.decompressobj(window_bits).decompress(data[:_TRIED], _TRIED)
    except zlib.error:
        return False
    return bool(plain) and (window_bits != RAW_DEFLATE or sniff(plain) not in _NOTHING_KNOWN)


def window_bits_of(data: bytes) -> int:
    """The frame of what is known to be deflated: zlib's, or none."""
    is_zlib = data[0] in _ZLIB_FIRST and int.from_bytes(data[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if is_zlib else RAW_DEFLATE
