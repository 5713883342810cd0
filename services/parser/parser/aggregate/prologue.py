"""What stands before a document's first tag, judged before any parser sees the document."""

import codecs
import re
from dataclasses import dataclass

from pipeline.errors import Rejected
from pipeline.reasons import Reason

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


def wide_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark, or the zeros between the first characters, give away."""
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
    text = head.decode(wide_encoding(head) or "latin-1", errors="replace")
    if not text.strip(" \t\r\n\0\ufeff"):
        raise Rejected(Reason.EMPTY_DOCUMENT)
    position = 0
    while skipped := _SKIPPED.match(text, position):
        position = skipped.end()
    if _DOCTYPE.match(text, position):
        raise Rejected(Reason.DOCTYPE_REFUSED if "feedback" in text.lower() else Reason.NO_REPORT_CONTENT)
    root = _ROOT.match(text, position)
    declared = declared_encoding(head) or "utf-8"
    is_streamable = wide_encoding(head) in (None, "utf-8-sig") and _STREAMED.fullmatch(declared) is not None
    return Prologue(root.group(2) if root else None, is_streamable)
