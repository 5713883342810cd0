"""A header block: the fields of a mail or of a MIME part (RFC 5322 section 2.2, RFC 2045), as it is sent.

Names are compared without case; a folded line that was not indented is taken for what it is.
"""

import re
from collections.abc import Iterator
from typing import Final

from pipeline.mailformat.charsets import guessed
from pipeline.mailformat.parameters import parameters

MAX_BLOCK: Final = 256 * 1024  # bytes of a header block that are looked at
MAX_VALUE: Final = 16 * 1024  # bytes of one value that are looked at

_NAME: Final = r"[A-Za-z0-9_.-]{1,100}"
_FIELD: Final = re.compile(
    r"^(" + _NAME + r")[ \t]*+:[ \t]*+"
    r"([^\n]*+(?:\n(?:[ \t][^\n]*+|(?!" + _NAME + r"[ \t]*+:)[^\r\n][^\n]*+))*+)",
    re.MULTILINE,
)
_FIRST: Final = re.compile(_NAME.encode() + rb"[ \t]*+:")
_END: Final = re.compile(rb"\r?\n\r?\n")
_LONG_LINE: Final = re.compile(rb"([^\n]{4096})[^\n]++")
_NOT_INDENTED: Final = re.compile(r"\n[^ \t]")
_TYPE: Final = re.compile(r"\s*+([\w!#$&.+^-]++/[\w!#$&.+^-]++)")
_WORD: Final = re.compile(r"[\w-]+")
_FOLD: Final = re.compile(r"\r?\n[ \t]*+")
_SPACE: Final = " \t\n\r\x0b\x0c"


def header_of(mail: bytes) -> bytes:
    """The header block of a mail, without its body; the whole mail where it has none."""
    start = mail.lstrip(b"\r\n")
    end = _END.search(start)
    return start[: end.start()] if end else start


def begins_with_field(block: bytes, at: int = 0) -> bool:
    """Whether the line at `at` is a header field and not already text."""
    return _FIRST.match(block, at) is not None


def with_short_lines(block: bytes) -> bytes:
    """The block without what is behind the first bytes of a line of a length that no mail should have."""
    return _LONG_LINE.sub(rb"\1", block)


class Fields:
    """One header block, of which the first bytes are read. Of a field that is there twice, `text` gives the first.

    `is_bent`: a folded line was not indented. `type_value` is Content-Type, whole; `content_type` is like "text/plain",
    in lower case, and empty when it is absent or unreadable; `is_multipart`: it says that there are parts.
    """

    def __init__(self, block: bytes) -> None:
        # As Latin-1, in which every byte is a character, until a value is asked for.
        block = block if len(block) <= MAX_BLOCK else with_short_lines(block)[:MAX_BLOCK]
        self._found = [(name.lower(), value) for name, value in _FIELD.findall(block.decode("latin-1"))]
        self._values = dict(reversed(self._found))
        self._texts: dict[str, str] = {}  # those that were asked for: they are asked for again
        self.is_bent = any([_NOT_INDENTED.search(value) for value in self._values.values() if "\n" in value])
        # Trustwave's gateway writes it without the hyphen.
        self.type_value = self.text("content-type") or self.text("contenttype") or self.text("content_type")
        type_found = _TYPE.match(self.type_value)
        self.content_type = type_found[1].lower() if type_found else ""
        self.is_multipart = self.content_type.startswith("multipart/")
        self._parameters: dict[str, str] | None = None

    def __iter__(self) -> Iterator[str]:
        """The names, in lower case."""
        return iter(self._values)

    def text(self, name: str) -> str:
        """The value, unfolded; undecodable bytes as Latin-1; empty when it is absent. `name` in lower case."""
        text = self._texts.get(name)
        if text is None:
            value = self._values.get(name)
            if value is None:
                return ""
            text = self._texts[name] = _text(value)
        return text

    def texts(self, name: str) -> list[str]:
        """The values of all fields of this name, in order."""
        return [_text(value) for found, value in self._found if found == name]

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
        if self._parameters is None:
            self._parameters = parameters(self.type_value)
        return self._parameters

    @property
    def has_repeated(self) -> bool:
        """Whether a field is there twice."""
        return len(self._found) > len(self._values)


def _text(value: str) -> str:
    value = value[:MAX_VALUE].strip(_SPACE)
    if not value.isascii():
        value = guessed(value.encode("latin-1"))
    return _FOLD.sub(" ", value) if "\n" in value else value
