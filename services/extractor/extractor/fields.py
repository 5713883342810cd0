"""The header block of a mail or of a MIME part (RFC 5322 2.2, RFC 2045), read without mercy asked for or given.

Names are compared without case; a folded line that was not indented is taken for what it is; parameters may be
quoted, unquoted or continued (RFC 2231). Nothing here raises.
"""

import re
from collections.abc import Iterator
from email.utils import collapse_rfc2231_value, decode_params
from functools import cached_property
from typing import Final

from extractor.mbox import header_start
from extractor.repairs import Repair

MAX_BLOCK: Final = 256 * 1024  # bytes of a header block that are looked at
MAX_VALUE: Final = 4 * 1024  # bytes of one value that are looked at

_NAME: Final = rb"[A-Za-z0-9_.-]{1,100}"
_FIELD: Final = re.compile(
    rb"^(" + _NAME + rb")[ \t]*:[ \t]*"
    rb"([^\n]*(?:\n(?:[ \t][^\n]*|(?!" + _NAME + rb"[ \t]*:)[^\r\n][^\n]*))*)",
    re.MULTILINE,
)
_FIRST: Final = re.compile(_NAME + rb"[ \t]*:")
_NOT_INDENTED: Final = re.compile(rb"\n[^ \t]")
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*+"?|[^;]*)', re.DOTALL)
_TYPE: Final = re.compile(r"\s*([\w!#$&.+^-]+/[\w!#$&.+^-]+)")
_FOLD: Final = re.compile(r"\r?\n[ \t]*")
_MAIL_FIELDS: Final = frozenset(
    b"received from to subject date message-id mime-version return-path content-type delivered-to dkim-signature "
    b"reply-to sender cc x-mailer content-transfer-encoding authentication-results received-spf".split()
)


class Fields:
    """One header block. Of a field that is there twice, the first counts."""

    def __init__(self, block: bytes) -> None:
        self._values: dict[bytes, bytes] = {}
        for name, value in _FIELD.findall(block[:MAX_BLOCK]):
            self._values.setdefault(name.lower(), value)

    def __len__(self) -> int:
        return len(self._values)

    def raw(self, name: str) -> bytes:
        """The value of a field as sent, folds and all; empty when it is absent. `name` in lower case."""
        return self._values.get(name.encode(), b"")[:MAX_VALUE].strip()

    def text(self, name: str) -> str:
        """The value, unfolded; undecodable bytes as Latin-1."""
        value = _decode(self.raw(name))
        return _FOLD.sub(" ", value) if "\n" in value else value

    @cached_property
    def content_type(self) -> str:
        """Like "text/plain", in lower case; empty when it is absent or unreadable."""
        found = _TYPE.match(self._type_value)
        return found[1].lower() if found else ""

    @cached_property
    def encoding(self) -> str:
        """The transfer encoding's first word in lower case: "base64" even of "Base64;"."""
        words = re.findall(r"[\w-]+", self.text("content-transfer-encoding").lower())
        return words[0] if words else ""

    @cached_property
    def file_name(self) -> str:
        """As sent in Content-Disposition or Content-Type, encoded words and all; empty when there is none."""
        disposition = parameters(self.text("content-disposition"))
        return disposition.get("filename", "") or self.parameters.get("name", "")

    @cached_property
    def is_attachment(self) -> bool:
        """Whether Content-Disposition says so."""
        return self.raw("content-disposition")[:10].lower() == b"attachment"

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Of Content-Type."""
        return parameters(self._type_value)

    @cached_property
    def repairs(self) -> tuple[str, ...]:
        """What was mended to read the block."""
        bad = any(_NOT_INDENTED.search(value) for value in self._values.values())
        return (Repair.HEADER_LINE_NOT_INDENTED,) if bad else ()

    @property
    def _type_value(self) -> str:
        # Trustwave's gateway writes it without the hyphen.
        return self.text("content-type") or self.text("contenttype") or self.text("content_type")


def begins_with_field(block: bytes, at: int = 0) -> bool:
    """Whether the line at `at` is a header field and not already text."""
    return _FIRST.match(block, at) is not None


def is_mail(text: bytes) -> bool:
    """Whether a text begins like a mail: with a header block in which two fields are those of a mail."""
    head = text[:16384].lstrip(b"\r\n")
    head = head[header_start(head) :]
    if not begins_with_field(head):
        return False
    names = [name.lower() for name, _ in _header_lines(head)]
    return len(_MAIL_FIELDS.intersection(names)) >= 2


def parameters(value: str) -> dict[str, str]:
    """The parameters after a value's first ";", names in lower case; the first of two with one name counts."""
    found = [(name.lower(), _unquoted(text)) for name, text in _PARAMETER.findall(value)]
    if any("*" in name for name, _ in found):
        found = list(_continued(found))
    return dict(reversed(found))


def _header_lines(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    blank = re.search(rb"\n\r?\n", head)
    block = head[: blank.start()] if blank else head
    yield from _FIELD.findall(block)


def _continued(found: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    try:
        decoded = decode_params([("", ""), *found])
    except (ValueError, LookupError, IndexError, TypeError):
        return
    for name, value in decoded[1:]:
        yield name, _unquoted(collapse_rfc2231_value(value))


def _unquoted(text: str) -> str:
    text = _FOLD.sub(" ", text).strip()
    if text.startswith('"'):
        text = text[1:].removesuffix('"')
        return re.sub(r"\\(.)", r"\1", text) if "\\" in text else text
    return text


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
