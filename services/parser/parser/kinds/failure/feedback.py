"""The parts of a failure report's mail, and its machine-readable one: fields like those of a header (RFC 5965).

Notices without one, as Exim, cPanel and others like them write them for people, list "Sender Domain", "Sender IP
Address", "Received Date", "SPF Alignment", "DKIM Alignment" and "DMARC Results" and end in "------ This is a copy of
the headers that were received before the error was detected."
"""

import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

from parser.kinds.notes import Notes
from pipeline.contracts.repairs import Repair
from pipeline.mailformat.fields import Fields, begins_with_field, header_of
from pipeline.mailformat.multipart import spans

MAX_PARTS = 200
MAX_NESTING = 20  # multiparts in multiparts; what is deeper is no part of a report
MAX_FIELDS = 1000
MAX_FEEDBACK = 256 * 1024  # characters of the machine-readable part that are looked at
_FEEDBACK = "message/feedback-report"
_SAMPLE_TYPES = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")
_EMPTY_LINE = re.compile(rb"\A(?:\r?\n){1,2}")
_ENCODINGS = ("base64", "quoted-printable")
_SAMPLE_FIELDS = frozenset({"from", "subject", "date"})  # with these a text is the header of a mail

Feedback = dict[str, list[str]]
"""The fields by lower-case name."""


@dataclass(slots=True)
class Parts:
    """The parts of a report mail that matter; `texts` are what a human was meant to read."""

    feedback: Feedback | None = None
    sample: bytes | None = None
    texts: list[str] = field(default_factory=list)


class _Part:
    """A part, and how many multiparts it is in. A mail within the mail is a leaf, byte for byte what it is."""

    def __init__(self, raw: bytes, depth: int = 0) -> None:
        header = header_of(raw) if begins_with_field(raw) else b""
        self.fields = Fields(header)
        self.kind = self.fields.content_type or "text/plain"
        self._raw = raw
        self._body_at = len(header)
        self._depth = depth

    @property
    def encoding(self) -> str:
        """The encoding that hides the part's text, or ""."""
        return self.fields.encoding if self.fields.encoding in _ENCODINGS else ""

    def children(self) -> Iterator["_Part"]:
        """The parts in it, whatever else it holds; none but of a multipart."""
        if self._depth >= MAX_NESTING or not self.kind.startswith("multipart/"):
            return
        boundary = self.fields.parameters.get("boundary", "").encode("utf-8", "replace")
        for start, end in spans(self._raw, boundary, start=self._body_at, end=len(self._raw)):
            yield _Part(self._raw[start:end], self._depth + 1)

    def content(self) -> bytes:
        """The decoded body; as it is where it cannot be decoded."""
        body = _EMPTY_LINE.sub(b"", self._raw[self._body_at :], count=1)
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(body)
        if self.encoding == "base64":
            with suppress(binascii.Error):
                return binascii.a2b_base64(body + b"===")
        return body


def parts_of(mail: bytes, *, notes: Notes) -> Parts:
    """Find the parts, whatever they are labelled and however they are encoded."""
    parts = Parts()
    for number, part in enumerate(_leaves(mail)):
        if number >= MAX_PARTS:
            notes.add(Repair.TEXT_CUT)
            break
        _sort_in(part, parts, notes)
    return parts


def _sort_in(part: _Part, parts: Parts, notes: Notes) -> None:
    content = part.content()
    if part.kind in _SAMPLE_TYPES:
        _take_sample(part, content, parts, notes)
        return
    text = _text(content)
    fields = parse_fields(text)
    if parts.feedback is None and (part.kind == _FEEDBACK or "feedback-type" in fields):
        _take_feedback(part, fields, parts, notes)
    elif parts.feedback is not None and parts.sample is None and fields.keys() >= _SAMPLE_FIELDS:
        parts.sample = content
        notes.add(Repair.MISLABELLED_SAMPLE)
    elif part.kind.startswith("text/"):
        parts.texts.append(text)


def _text(content: bytes) -> str:
    """As UTF-8, or as UTF-16 where it is that, whatever its charset says."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    return content.decode("utf-8", errors="replace").removeprefix("\ufeff")


def _take_sample(part: _Part, content: bytes, parts: Parts, notes: Notes) -> None:
    if parts.sample is None and content.strip():
        parts.sample = content
        if part.kind != "text/rfc822-headers" and part.encoding:
            notes.add(Repair.ENCODED_SAMPLE)


def _take_feedback(part: _Part, fields: Feedback, parts: Parts, notes: Notes) -> None:
    parts.feedback = fields
    if part.kind != _FEEDBACK:
        notes.add(Repair.MISLABELLED_FEEDBACK_PART)
    elif part.encoding:
        notes.add(Repair.ENCODED_FEEDBACK_PART)


def parse_fields(text: str) -> Feedback:
    """The fields by lower-case name, folded lines joined; lines that are no field are passed over."""
    fields: Feedback = {}
    current: list[str] | None = None
    for line in text[:MAX_FEEDBACK].split("\n", MAX_FIELDS)[:MAX_FIELDS]:
        if line[:1] in (" ", "\t") and current is not None:
            current[-1] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not name or " " in name:
            current = None
            continue
        current = fields.setdefault(name, [])
        current.append(value.strip())
    return fields


def _leaves(mail: bytes) -> Iterator[_Part]:
    """The parts that hold no others, in order: one branch of the tree is in memory."""
    branch = [iter((_Part(mail),))]
    while branch:
        part = next(branch[-1], None)
        if part is None:
            branch.pop()
            continue
        children = part.children()
        first = next(children, None)
        if first is None:
            yield part
        else:
            branch.append(chain((first,), children))


_LINE = re.compile(
    r"^[ \t>*]*(Sender Domain|Sender IP Address|Received Date|SPF Alignment|DKIM Alignment|DMARC Results)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_COPY = re.compile(r"^-{3,}[ \t]*This is a copy of the (?:headers|message)[^\n]*\n(?:[^\n]+\n)*", re.I | re.M)
_FREE_TEXT = re.compile(
    r"authentication[ -]+failure report.{0,200}?from IP\s+(?P<ip>[0-9A-Fa-f.:]{3,45})\s+on\s+(?P<date>[^\r\n]{10,60})",
    re.IGNORECASE | re.DOTALL,
)
_ZONE = re.compile(r"(?:\d{4} )?(?:\d{1,2}:\d{2}:\d{2} ?)?(?:[+-]\d{4})?(?: ?\([A-Z]{2,5}\))?")
_NAMES = {
    "sender domain": "reported-domain",
    "sender ip address": "source-ip",
    "received date": "arrival-date",
    "spf alignment": "spf-alignment",
    "dkim alignment": "dkim-alignment",
    "dmarc results": "delivery-result",
}
_MAX_VALUE = 200


def read_notice(text: str) -> tuple[Feedback, bytes | None] | None:
    """The fields of a notice under their names of RFC 5965, and the copied header; None where it is no notice."""
    text = text.replace("\r\n", "\n")
    found = list(_LINE.finditer(text))
    if {match.group(1).lower() for match in found} >= {"sender domain", "sender ip address"}:
        return _listed(text, found), _copied_header(text)
    free = _FREE_TEXT.search(text)
    if free is None:
        return None
    fields = {"source-ip": [free["ip"].rstrip(".")], "arrival-date": [free["date"].rstrip(". ")]}
    return fields | {"feedback-type": ["auth-failure"]}, _copied_header(text)


def _listed(text: str, found: list[re.Match[str]]) -> Feedback:
    fields: Feedback = {"feedback-type": ["auth-failure"], "auth-failure": ["dmarc"]}
    for match in found:
        value = _value_at(text, match.end())
        fields.setdefault(_NAMES[match.group(1).lower()], [value])
    failed = [name for name in ("dkim", "spf") if fields.pop(f"{name}-alignment", [""])[0].lower() == "no"]
    fields["identity-alignment"] = [",".join(failed) or "none"]
    return fields


def _value_at(text: str, position: int) -> str:
    """The rest of the line, and of a date that a mailing list has wrapped its end."""
    lines = text[position : position + _MAX_VALUE].split("\n")
    value = lines[0].strip()
    wrapped = lines[1].strip() if len(lines) > 1 else ""
    return f"{value} {wrapped}" if _ZONE.fullmatch(wrapped) else value


def _copied_header(text: str) -> bytes | None:
    copy = _COPY.search(text)
    if copy is None:
        return None
    header = text[copy.end() :].lstrip("\n")
    return header.encode(errors="replace") or None
