"""The machine-readable part of a failure report: fields like those of a mail header (RFC 5965 section 3)."""

import base64
import binascii
import quopri
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import Message
from io import BytesIO

from parser.notes import Notes
from parser.repairs import Repair

MAX_PARTS = 200
MAX_FIELDS = 1000
_FEEDBACK = "message/feedback-report"
_SAMPLE_TYPES = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")

Fields = dict[str, list[str]]


@dataclass(slots=True)
class Parts:
    """The parts of a report mail that matter; `texts` are what a human was meant to read."""

    feedback: Fields | None = None
    sample: bytes | None = None
    texts: list[str] = field(default_factory=list)


def parts_of(mail: Message, *, notes: Notes) -> Parts:
    """Find the parts, whatever they are labelled and however they are encoded."""
    parts = Parts()
    for number, part in enumerate(_leaves(mail)):
        if number >= MAX_PARTS:
            break
        _sort_in(part, parts, notes)
    return parts


def _sort_in(part: Message, parts: Parts, notes: Notes) -> None:
    kind = part.get_content_type()
    content = _content(part)
    if kind in _SAMPLE_TYPES:
        if parts.sample is None and content.strip():
            parts.sample = content
            if kind != "text/rfc822-headers" and _transfer_encoding(part):
                notes.add(Repair.ENCODED_SAMPLE)
        return
    text = content.decode("utf-8", errors="replace")
    fields = parse_fields(text)
    if parts.feedback is None and (kind == _FEEDBACK or "feedback-type" in fields):
        parts.feedback = fields
        if kind != _FEEDBACK:
            notes.add(Repair.MISLABELLED_FEEDBACK_PART)
        elif _transfer_encoding(part):
            notes.add(Repair.ENCODED_FEEDBACK_PART)
    elif part.get_content_maintype() == "text":
        parts.texts.append(text)


def parse_fields(text: str) -> Fields:
    """The fields by lower-case name, folded lines joined; lines that are no field are passed over."""
    fields: Fields = {}
    current: list[str] | None = None
    for line in text.splitlines()[:MAX_FIELDS]:
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


def _leaves(mail: Message) -> Iterator[Message]:
    """The parts that are no multipart. What Python takes for a container (message/*) is one of our leaves."""
    waiting = [mail]
    while waiting:
        part = waiting.pop(0)
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting[:0] = [child for child in payload[:MAX_PARTS] if isinstance(child, Message)]
        else:
            yield part


def _content(part: Message) -> bytes:
    """The bytes of a part, decoded by hand where Python, which expects no encoding in message/*, does not."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return _decoded(b"".join(_flattened(child) for child in payload if isinstance(child, Message)), part)
    decoded = part.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""


def _flattened(mail: Message) -> bytes:
    out = BytesIO()
    try:
        BytesGenerator(out, mangle_from_=False, maxheaderlen=0).flatten(mail)
    except (UnicodeError, LookupError, ValueError, TypeError, AttributeError, KeyError):
        return b""  # the generator stumbles over headers that its own parser accepted
    return out.getvalue().lstrip(b"\r\n")


def _decoded(content: bytes, part: Message) -> bytes:
    encoding = _transfer_encoding(part)
    try:
        if encoding == "base64":
            return base64.b64decode(content)
        return quopri.decodestring(content) if encoding == "quoted-printable" else content
    except (binascii.Error, ValueError):
        return content


def _transfer_encoding(part: Message) -> str:
    """The encoding that hides a part's text, or ""."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    return encoding if encoding in ("base64", "quoted-printable") else ""
