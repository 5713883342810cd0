"""A mail's leaves: the parts that are no multipart, in order, each with its header fields and its encoded bytes.

Written for mail as it is: every label may be wrong, boundaries may be missing, and a header line may have lost its
indent. Works on positions in the raw bytes, so a large mail is not copied part by part until a part is wanted.
Number of parts and depth of nesting are bounded; the walk reads each level once.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from extractor.fields import Fields
from extractor.mbox import header_start
from pipeline.contracts.repairs import MailRepair
from pipeline.mailformat.fields import begins_with_field
from pipeline.mailformat.multipart import spans

MAX_NESTING: Final = 20  # multiparts in multiparts; deeper ones are taken as leaves, which hold nothing readable

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_FIELD_RUN: Final = re.compile(rb"(?:[A-Za-z0-9_.-]{1,100}[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*+)*+")
_ANY_DELIMITER: Final = re.compile(rb"^--([^\s-]\S{0,199}+)[ \t]*+\r?\n[A-Za-z-]{1,40}+:", re.MULTILINE)
_PART_DELIMITER: Final = re.compile(
    rb"^--(\S{1,200}+)[ \t]*+\r?\nContent-[A-Za-z-]{1,40}+:", re.MULTILINE | re.IGNORECASE
)
_PREAMBLE: Final = 4 * 1024  # bytes in which the first part of a mail without a Content-Type must begin
_SPACE: Final = re.compile(rb"[\r\n \t]*+")
_BOM: Final = b"\xef\xbb\xbf"


class Part(NamedTuple):
    """A mail or a part of one: its fields, and where its body is in the raw bytes.

    `path` numbers the parts from 1 at each level ("2", "1/2"); it is empty for a multipart mail itself.
    """

    path: str
    fields: Fields
    start: int
    end: int
    repairs: tuple[str, ...] = ()
    default_type: str = ""

    @property
    def content_type(self) -> str:
        """As its fields say, in lower case; empty when they do not and it is in no digest (RFC 2046 5.1.5)."""
        return self.fields.content_type or self.default_type

    @property
    def is_multipart(self) -> bool:
        """Whether its fields say that it has parts."""
        return self.fields.is_multipart


def top(raw: bytes) -> Part:
    """The mail itself: its header fields and its whole body, whatever stands before its first header line."""
    start = len(_BOM) if raw.startswith(_BOM) else 0
    start = _SPACE.match(raw, start).end()  # type: ignore[union-attr]  # it matches anything
    return _part(raw, "", start=header_start(raw, start), end=len(raw))


def leaves(raw: bytes, mail: Part) -> Iterator[Part]:
    """The leaves of `mail` (from `top`) in their order. A mail that is no multipart is its own leaf, number 1."""
    yield from _leaves(raw, mail, MAX_NESTING)


def undeclared_boundary(raw: bytes, mail: Part) -> str:
    """The boundary at which a mail is divided whose Content-Type is missing, broken or wrong; empty when it is not."""
    for boundary in mail.fields.undeclared_boundaries:
        if next(spans(raw, boundary.encode("utf-8", "replace"), start=mail.start, end=mail.end), None):
            return boundary
    if mail.fields.content_type not in ("", "text/plain"):
        return ""
    found = _PART_DELIMITER.search(raw, mail.start, min(mail.end, mail.start + _PREAMBLE))
    return found[1].decode("latin-1") if found else ""


def _leaves(raw: bytes, part: Part, nesting_left: int) -> Iterator[Part]:
    children = _children(raw, part) if nesting_left and _may_have_parts(part) else None
    first = next(children, None) if children else None
    if children is None or first is None:
        yield part if part.path else _renamed(part, "1")
        return
    yield from _leaves(raw, first, nesting_left - 1)
    for child in children:
        yield from _leaves(raw, child, nesting_left - 1)


def _renamed(part: Part, path: str) -> Part:
    return Part(path, part.fields, part.start, part.end, part.repairs, part.default_type)


def _may_have_parts(part: Part) -> bool:
    return part.is_multipart or bool(part.path and not part.content_type and part.fields.undeclared_boundaries)


def _children(raw: bytes, part: Part) -> Iterator[Part]:
    boundary = _declared_boundary(part).encode("utf-8", "replace")
    found = spans(raw, boundary, start=part.start, end=part.end)
    first = next(found, None)
    repairs: tuple[str, ...] = () if part.is_multipart else (MailRepair.MULTIPART_UNDECLARED,)
    is_digest = part.content_type == "multipart/digest"
    if first is None:
        guess = _guessed_boundary(raw, part)
        found, repairs = spans(raw, guess, start=part.start, end=part.end), (MailRepair.BOUNDARY_GUESSED,)
        first = next(found, None)
    number = 0
    while first is not None:
        number += 1
        start, end = first
        path = f"{part.path}/{number}" if part.path else str(number)
        yield (_digested if is_digest else _part)(raw, path, start=start, end=end, repairs=repairs)
        first = next(found, None)


def _declared_boundary(part: Part) -> str:
    boundary = part.fields.parameters.get("boundary", "").strip()
    return boundary or next(iter(part.fields.undeclared_boundaries), "")


def _digested(raw: bytes, path: str, *, start: int, end: int, repairs: tuple[str, ...] = ()) -> Part:
    """A part of a digest: a mail where it says nothing, and where its own header was left out."""
    part = _part(raw, path, start=start, end=end, repairs=repairs)
    is_headless = part.fields.text("from") and part.fields.text("subject")
    if is_headless:
        return Part(path, Fields(b""), start, end, repairs, "message/rfc822")
    return Part(path, part.fields, part.start, part.end, part.repairs, "message/rfc822")


def _guessed_boundary(raw: bytes, part: Part) -> bytes:
    found = _ANY_DELIMITER.search(raw, part.start, part.end)
    return found[1] if found else b""


def _part(raw: bytes, path: str, *, start: int, end: int, repairs: tuple[str, ...] = ()) -> Part:
    header_end, body, notes = _header(raw, start, end)
    fields = Fields(raw[start:header_end])
    return Part(path, fields, body, end, (*repairs, *notes, *fields.repairs))


def _header(raw: bytes, start: int, end: int) -> tuple[int, int, tuple[str, ...]]:
    """End of the header block, start of the body, and what had to be repaired to see them."""
    if start >= end or raw[start] in b"\r\n":
        return start, start + (2 if raw.startswith(b"\r\n", start) else 1), ()
    if not begins_with_field(raw, start):
        return start, start, ()
    found = _BLANK_LINE.search(raw, start, end)
    if found and raw[found.end() : min(end, found.end() + 512)].strip():
        return found.start() + 1, found.end(), ()
    run = _FIELD_RUN.match(raw, start, end)
    run_end = run.end() if run else start
    if found and run_end >= found.start():
        return found.start() + 1, found.end(), ()
    if not raw[run_end:end].strip():
        return end, end, ()
    return run_end, run_end, (MailRepair.HEADER_SEPARATOR_MISSING,)
