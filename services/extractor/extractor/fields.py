"""The header block of a mail or of a MIME part (RFC 5322 2.2, RFC 2045), read without mercy asked for or given.

Names are compared without case; a folded line that was not indented is taken for what it is; parameters may be
quoted, unquoted or continued (RFC 2231). Nothing here raises.
"""

import re
from collections.abc import Iterator
from email.utils import collapse_rfc2231_value, decode_params
from typing import Final

from extractor.mbox import header_start
from extractor.repairs import Repair

MAX_BLOCK: Final = 256 * 1024  # bytes of a header block that are looked at
HEAD: Final = 16 * 1024  # bytes of a text that show whether it is a mail
MAX_VALUE: Final = 4 * 1024  # bytes of one value that are looked at

_NAME: Final = r"[A-Za-z0-9_.-]{1,100}"
_FIELD: Final = re.compile(
    r"^(" + _NAME + r")[ \t]*:[ \t]*"
    r"([^\n]*(?:\n(?:[ \t][^\n]*|(?!" + _NAME + r"[ \t]*:)[^\r\n][^\n]*))*)",
    re.MULTILINE,
)
_FIRST: Final = re.compile(_NAME.encode() + rb"[ \t]*:")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_LONG_LINE: Final = re.compile(rb"([^\n]{4096})[^\n]+")
_BOUNDARY: Final = re.compile(r"boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_NOT_INDENTED: Final = re.compile(r"\n[^ \t]")
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*+"?|[^;]*)', re.DOTALL)
_TYPE: Final = re.compile(r"\s*([\w!#$&.+^-]+/[\w!#$&.+^-]+)")
_WORD: Final = re.compile(r"[\w-]+")
_FOLD: Final = re.compile(r"\r?\n[ \t]*")
_SPACE: Final = " \t\n\r\x0b\x0c"
_MAIL_FIELDS: Final = frozenset(
    {
        "received",
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "return-path",
        "content-type",
        "delivered-to",
        "dkim-signature",
        "reply-to",
        "sender",
        "cc",
        "x-mailer",
        "content-transfer-encoding",
        "authentication-results",
        "received-spf",
    }
)


class Fields:
    """One header block. Of a field that is there twice, the first counts.

    `content_type`: like "text/plain", in lower case; empty when it is absent or unreadable. `repairs`: what was mended
    to read the block.
    """

    def __init__(self, block: bytes) -> None:
        # As Latin-1, in which every byte is a character, until a value is asked for.
        block = block if len(block) <= MAX_BLOCK else _LONG_LINE.sub(rb"\1", block)[:MAX_BLOCK]
        found = _FIELD.findall(block.decode("latin-1"))
        self._found = found
        self._values = {name.lower(): value for name, value in reversed(found)}
        # Trustwave's gateway writes it without the hyphen.
        self._type_value = self.text("content-type") or self.text("contenttype") or self.text("content_type")
        type_found = _TYPE.match(self._type_value)
        self.content_type = type_found[1].lower() if type_found else ""
        bad = any("\n" in value and _NOT_INDENTED.search(value) for value in self._values.values())
        self.repairs: tuple[str, ...] = (Repair.HEADER_LINE_NOT_INDENTED,) if bad else ()

    def __iter__(self) -> Iterator[str]:
        """The names, in lower case."""
        return iter(self._values)

    def text(self, name: str) -> str:
        """The value, unfolded; undecodable bytes as Latin-1; empty when it is absent. `name` in lower case."""
        if name not in self._values:
            return ""
        value = self._values[name][:MAX_VALUE].strip(_SPACE)
        return _unfolded(value if value.isascii() else _decode(value.encode("latin-1")))

    @property
    def is_of_mail(self) -> bool:
        """Whether any field is one that mails have."""
        return not _MAIL_FIELDS.isdisjoint(self._values)

    @property
    def undeclared_boundaries(self) -> list[str]:
        """The boundaries that Content-Type names, if in the wrong place: without a type, or in a field said twice."""
        if "oundary" not in self._type_value and len(self._found) == len(self._values):
            return []
        values = (value for name, value in self._found if name.lower() == "content-type")
        found = (_BOUNDARY.search(value[:MAX_VALUE]) for value in values)
        return [(one[1] or one[2]).strip() for one in found if one]

    @property
    def encoding(self) -> str:
        """The transfer encoding's first word in lower case: "base64" even of "Base64;"."""
        word = _WORD.search(self.text("content-transfer-encoding").lower())
        return word[0] if word else ""

    @property
    def file_name(self) -> str:
        """As sent in Content-Disposition or Content-Type, encoded words and all; empty when there is none."""
        disposition = parameters(self.text("content-disposition"))
        return disposition.get("filename", "") or self.parameters.get("name", "")

    @property
    def is_attachment(self) -> bool:
        """Whether Content-Disposition says so."""
        return self.text("content-disposition")[:10].lower() == "attachment"

    @property
    def parameters(self) -> dict[str, str]:
        """Of Content-Type."""
        return parameters(self._type_value)


def begins_with_field(block: bytes, at: int = 0) -> bool:
    """Whether the line at `at` is a header field and not already text."""
    return _FIRST.match(block, at) is not None


def is_mail(text: bytes) -> bool:
    """Whether a text begins like a mail: with a header block in which two fields are those of a mail."""
    head = text[:HEAD].lstrip(b"\r\n")
    head = head[header_start(head) :]
    if not begins_with_field(head):
        return False
    blank = _BLANK_LINE.search(head)
    if not blank and len(text) > HEAD and b"\n" not in head[-4096:]:  # a line of a length that no mail should have
        head = _LONG_LINE.sub(rb"\1", text[:MAX_BLOCK])[header_start(head) :][:HEAD]
    return len(_MAIL_FIELDS.intersection(Fields(head[: blank.start()] if blank else head))) >= 2


def parameters(value: str) -> dict[str, str]:
    """The parameters after a value's first ";", names in lower case; the first of two with one name counts."""
    found = [(name.lower(), _unquoted(text)) for name, text in _PARAMETER.findall(value)]
    if "*" in value and any("*" in name for name, _ in found):
        found = list(_continued(found))
    return dict(reversed(found))


def _continued(found: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    try:
        decoded = decode_params([("", ""), *found])
    except (ValueError, LookupError, IndexError, TypeError):
        return
    for name, value in decoded[1:]:
        yield name, _unquoted(collapse_rfc2231_value(value))


def _unquoted(text: str) -> str:
    text = _unfolded(text).strip()
    if text.startswith('"'):
        text = text[1:].removesuffix('"')
        return re.sub(r"\\(.)", r"\1", text) if "\\" in text else text
    return text


def _unfolded(text: str) -> str:
    return _FOLD.sub(" ", text) if "\n" in text else text


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
