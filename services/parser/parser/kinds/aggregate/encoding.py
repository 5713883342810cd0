"""From bytes in whatever encoding to text that XML allows: for documents that are not plain UTF-8 or well-formed."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

import webencodings

from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from pipeline.mailformat.charsets import is_known as is_known_charset

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SKIPPED = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ROOT = re.compile(r"<(?:([\w.\-]+):)?([\w.\-]+)(?=[\s/>])")
_DOCTYPE = re.compile(r"<!DOCTYPE", re.IGNORECASE)
_STREAMED = re.compile(r"utf-?8|us-ascii|ascii|iso-?8859-[0-9]{1,2}|latin-?[0-9]|windows-125[0-9]|cp125[0-9]")
# As most documents begin: in UTF-8, and with nothing before the root.
_ORDINARY = re.compile(
    rb"""(?:<\?xml version=["']1\.[01]["'](?: encoding=["'](?:UTF-8|utf-8)["'])?[ ]?\?>)?\s*<feedback(?=[\s/>])"""
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']\s*([A-Za-z0-9._:\-]{1,40})\s*["']""")


@dataclass(frozen=True, slots=True)
class Prologue:
    """`root` is the local name of the first tag as written, or None where something else comes first.

    `is_streamable` says that the encoding shows mark-up as ASCII; others (UTF-16, ...) are transcoded as a whole first.
    """

    root: str | None
    is_streamable: bool

    @property
    def is_feedback(self) -> bool:
        """Whether the first tag is a report's root, in any case and namespace."""
        return self.root is not None and self.root.lower() == "feedback"


_FEEDBACK: Final = Prologue("feedback", is_streamable=True)


def wide_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark, or the zeros between the first characters, give away."""
    if data[:2].isascii() and b"\0" not in data[:2]:  # as nearly always
        return None
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name
    if data[:2] == b"<\0":
        return "utf-16-le"
    return "utf-16-be" if data[:2] == b"\0<" else None


def declared_encoding(data: bytes) -> str | None:
    """The encoding of the XML declaration, lower case."""
    found = _DECLARED.match(data)
    return found.group(1).decode("ascii").lower() if found else None


def read_prologue(head: bytes) -> Prologue:
    """The prologue of a document whose first bytes are `head`.

    Raises Rejected for a DOCTYPE (no report needs one; all attacks with entities do) and where there is nothing.
    """
    if _ORDINARY.match(head):
        return _FEEDBACK
    wide = wide_encoding(head)
    text = head.decode(wide or "latin-1", errors="replace")
    if not text.strip(" \t\r\n\0\ufeff"):
        raise Rejected(Reason.EMPTY_DOCUMENT)
    position = 0
    while skipped := _SKIPPED.match(text, position):
        position = skipped.end()
    if _DOCTYPE.match(text, position):
        raise Rejected(Reason.DOCTYPE_REFUSED if "feedback" in text.lower() else Reason.NO_REPORT_CONTENT)
    root = _ROOT.match(text, position)
    declared = declared_encoding(head) or "utf-8"
    is_streamable = wide in (None, "utf-8-sig") and _STREAMED.fullmatch(declared) is not None
    return Prologue(root.group(2) if root else None, is_streamable)


_TEXT_ENCODINGS = re.compile(
    r"utf-?(8|16|32)(-?(le|be))?|(us-)?ascii|iso-?8859-[0-9]{1,2}|latin-?[0-9]|windows-125[0-9]|cp125[0-9]|koi8-[ru]"
    r"|shift[-_]jis|euc-(jp|kr)|iso-2022-(jp|kr)|gb(2312|k|18030)|big5"
)
_NO_TEXT: Final = frozenset({"replacement", "x-user-defined", "utf-16le", "utf-16be"})  # or no superset of ASCII
_DOS: Final = re.compile(r"(?:cp|ibm)-?(?:437|7[37][57]|8[56][0-9]|720|1125)")  # all of them hold ASCII
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
    """What browsers take a label for (WHATWG Encoding, section 4.2): "windows-31j", "macintosh"; else UTF-8.

    Code pages of DOS are no browser's business and known to Python.
    """
    known = webencodings.lookup(label)
    if known is not None:
        return "utf-8" if known.name in _NO_TEXT else known.codec_info.name
    return label if _DOS.fullmatch(label) and is_known_charset(label) else "utf-8"


def _decode_damaged(data: bytes, encoding: str) -> str:
    if encoding.startswith(("utf-16", "utf-32")):
        return data.decode(encoding, errors="replace")
    return data.decode("utf-8", errors="surrogateescape").translate(_ESCAPED)
