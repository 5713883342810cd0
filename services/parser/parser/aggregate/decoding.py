"""From bytes in whatever encoding to text that XML allows: for documents that are not plain UTF-8 or well-formed."""

import re
from typing import Final

import webencodings

from parser.aggregate.prologue import declared_encoding, wide_encoding
from parser.repairs import Repair

_TEXT_ENCODINGS = re.compile(
    r"utf-?(8|16|32)(-?(le|be))?|(us-)?ascii|iso-?8859-[0-9]{1,2}|latin-?[0-9]|windows-125[0-9]|cp125[0-9]|koi8-[ru]"
    r"|shift[-_]jis|euc-(jp|kr)|iso-2022-(jp|kr)|gb(2312|k|18030)|big5"
)
_NO_TEXT: Final = frozenset({"replacement", "x-user-defined", "utf-16le", "utf-16be"})  # or no superset of ASCII
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _windows_1252() -> dict[int, str]:
    """What each byte that "surrogateescape" let through means in Windows-1252 (Latin-1 where that has a gap)."""
    table = {}
    for byte in range(0x80, 0x100):
        raw = bytes((byte,))
        table[0xDC00 + byte] = raw.decode("cp1252", errors="ignore") or raw.decode("latin-1")
    return table


_ESCAPED: Final = _windows_1252()


def decode(data: bytes) -> tuple[str, set[Repair]]:
    """The text of an XML document: a byte order mark beats the declaration, the declaration beats UTF-8.

    Single bytes that are invalid become what they are in Windows-1252; characters that XML forbids go.
    """
    repairs: set[Repair] = set()
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeError:
        repairs.add(Repair.RE_ENCODED)
        text = _decode_damaged(data, encoding)
    clean = _FORBIDDEN.sub("", text)
    if len(clean) != len(text):
        repairs.add(Repair.CONTROL_CHARACTERS)
    return clean.removeprefix("\ufeff"), repairs


def _encoding(data: bytes) -> str:
    wide = wide_encoding(data)
    if wide is not None:
        return wide
    declared = declared_encoding(data) or "utf-8"
    if declared.startswith(("utf-16", "utf-32", "utf16", "utf32")):
        return "utf-8"  # the declaration was readable as ASCII, so it lies
    return declared if _TEXT_ENCODINGS.fullmatch(declared) else _by_label(declared)


def _by_label(label: str) -> str:
    """What browsers take a label for (WHATWG Encoding, section 4.2): "windows-31j", "macintosh"; else UTF-8."""
    known = webencodings.lookup(label)
    return "utf-8" if known is None or known.name in _NO_TEXT else known.codec_info.name


def _decode_damaged(data: bytes, encoding: str) -> str:
    if encoding.startswith(("utf-16", "utf-32")):
        return data.decode(encoding, errors="replace")
    return data.decode("utf-8", errors="surrogateescape").translate(_ESCAPED)
