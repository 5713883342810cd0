"""The machine-readable part of a failure report: fields like those of a mail header (RFC 5965 section 3)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from parser.notes import Notes
from parser.repairs import Repair

MAX_PARTS = 200
MAX_FIELDS = 1000
_FEEDBACK = "message/feedback-report"
_SAMPLE_TYPES = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")
_SAMPLE_FIELDS = frozenset({"from", "subject", "date"})  # with these a text is the header of a mail

Fields = dict[str, list[str]]


@dataclass(slots=True)
class Parts:
    """The parts of a report mail that matter; `texts` are what a human was meant to read."""

    feedback: Fields | None = None
    sample: bytes | None = None
    texts: list[str] = field(default_factory=list)


class _PlainMessage(Message):
    """A part whose content stays text where Python would parse a mail within the mail.

    So a sample stays byte for byte what it is, and what is encoded against all standards is decoded like any text.
    """

    def get_content_maintype(self) -> str:
        """The main type, which decides how the content is parsed."""
        main = super().get_content_maintype()
        return "text" if main == "message" else main


def parse_report_mail(mail: bytes) -> Message:
    """The mail with its multiparts taken apart and nothing else; never raises."""
    return BytesParser(_PlainMessage, policy=compat32).parsebytes(mail.lstrip(b"\r\n"))


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
        _take_sample(part, content, parts, notes)
        return
    text = content.decode("utf-8", errors="replace")
    fields = parse_fields(text)
    if parts.feedback is None and (kind == _FEEDBACK or "feedback-type" in fields):
        _take_feedback(part, fields, parts, notes)
    elif parts.feedback is not None and parts.sample is None and fields.keys() >= _SAMPLE_FIELDS:
        parts.sample = content
        notes.add(Repair.MISLABELLED_SAMPLE)
    elif kind.startswith("text/"):
        parts.texts.append(text)


def _take_sample(part: Message, content: bytes, parts: Parts, notes: Notes) -> None:
    if parts.sample is None and content.strip():
        parts.sample = content
        if part.get_content_type() != "text/rfc822-headers" and _transfer_encoding(part):
            notes.add(Repair.ENCODED_SAMPLE)


def _take_feedback(part: Message, fields: Fields, parts: Parts, notes: Notes) -> None:
    parts.feedback = fields
    if part.get_content_type() != _FEEDBACK:
        notes.add(Repair.MISLABELLED_FEEDBACK_PART)
    elif _transfer_encoding(part):
        notes.add(Repair.ENCODED_FEEDBACK_PART)


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
    waiting = [mail]
    while waiting:
        part = waiting.pop(0)
        if not part.is_multipart():
            yield part
            continue
        children = part.get_payload()
        if isinstance(children, list):
            waiting[:0] = [child for child in children[:MAX_PARTS] if isinstance(child, Message)]


def _content(part: Message) -> bytes:
    decoded = part.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""


def _transfer_encoding(part: Message) -> str:
    """The encoding that hides a part's text, or ""."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    return encoding if encoding in ("base64", "quoted-printable") else ""
