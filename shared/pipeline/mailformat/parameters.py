"""The parameters behind a field's value: "; name=value", quoted, continued or encoded (RFC 2045, RFC 2231)."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_to_bytes

from pipeline.mailformat.charsets import decoded

MAX_TEXT: Final = 16 * 1024  # characters of a value that are looked at
MAX_SECTIONS: Final = 1000  # of one continued parameter

_PARAMETER: Final = re.compile(r';\s*+([^\s=;"]++)\s*+=\s*+("[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^;]*+)', re.DOTALL)
_SECTION: Final = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*?)")
_FOLD: Final = re.compile(r"\r?\n[ \t]*")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

_Sections = dict[int, tuple[str, bool]]


def parameters(value: str) -> dict[str, str]:
    """The parameters after a value's first ";", names in lower case; the first of two with one name counts.

    One that was sent in sections is put together in their order, as far as they go without a gap.
    """
    found = [(name.lower(), _unquoted(text)) for name, text in _PARAMETER.findall(value[:MAX_TEXT])]
    if "*" not in value:
        return dict(reversed(found))
    plain = {name: text for name, text in reversed(found) if "*" not in name}
    return _extended((name, text) for name, text in found if "*" in name) | plain


def _extended(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    sections: dict[str, _Sections] = {}
    for name, text in found:
        section = _SECTION.fullmatch(name)
        if section is not None:
            number = int(section[2] or 0)
            sections.setdefault(section[1], {}).setdefault(number, (text, bool(section[3])))
    return {name: _together(of_name) for name, of_name in sections.items() if 0 in of_name}


def _together(sections: _Sections) -> str:
    """The first section names the charset where it is encoded: charset'language'text."""
    first, encoded = sections[0]
    charset, quote, rest = first.partition("'")
    _language, second_quote, rest = rest.partition("'")
    if not (encoded and quote and second_quote):
        charset, rest = "utf-8", first
    raw = bytearray(_bytes(rest, encoded))
    for number in range(1, MAX_SECTIONS):
        if number not in sections:
            break
        raw += _bytes(*sections[number])
    return decoded(bytes(raw), charset)


def _bytes(text: str, encoded: bool) -> bytes:
    raw = text.encode("utf-8", "replace")
    return unquote_to_bytes(raw) if encoded else raw


def _unquoted(text: str) -> str:
    text = (_FOLD.sub(" ", text) if "\n" in text else text).strip()
    if text.startswith('"'):
        text = text[1:].removesuffix('"')
        return _ESCAPED.sub(r"\1", text) if "\\" in text else text
    return text
