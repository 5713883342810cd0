"""What a mail says of itself, for display and search: subject, sender, id and date. Lenient, bounded, never trusted.

RFC 5322 for the fields, RFC 2047 for encoded words. A field that is missing or unreadable is empty or None.
"""

import re
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import parseaddr, parsedate_to_datetime
from functools import lru_cache
from typing import Final

from extractor.display import one_line
from extractor.fields import Fields

SUBJECT_LENGTH: Final = 500  # characters
ADDRESS_LENGTH: Final = 320  # characters: 64 + "@" + 255 (RFC 5321 4.5.3.1)
MESSAGE_ID_LENGTH: Final = 500  # characters
FROM_LENGTH: Final = 1000  # characters of From that are looked at
ENCODED_LENGTH: Final = 2000  # characters of a value with encoded words that are looked at

_BETWEEN_WORDS: Final = re.compile(r"(\?=)\s+(=\?)")


def subject(fields: Fields) -> str:
    """The subject, decoded."""
    return one_line(decoded(fields.text("subject")[:ENCODED_LENGTH]), length=SUBJECT_LENGTH)


def from_address(fields: Fields) -> str:
    """The address of From, without the name; empty when there is none."""
    return _address_in(fields.text("from")[:FROM_LENGTH])


@lru_cache(maxsize=1000)
def _address_in(text: str) -> str:
    """Kept, for the same reporters write day by day, and the library takes its time."""
    address = parseaddr(text)[1]
    if "@" not in address:
        found = re.search(r"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,255}", text)
        address = found[0] if found else ""
    return one_line(address, length=ADDRESS_LENGTH)


def message_id(fields: Fields) -> str:
    """Message-ID with its angle brackets, as sent."""
    return one_line(fields.text("message-id"), length=MESSAGE_ID_LENGTH)


def date(fields: Fields) -> datetime | None:
    """The date in UTC; None when it is missing or unreadable. A date without a zone is taken as UTC."""
    text = fields.text("date")[:200]
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def file_name(fields: Fields) -> str:
    """The part's file name, decoded and cut to a base name fit for display; never a path to open."""
    name = fields.file_name
    return base_name(decoded(name[:ENCODED_LENGTH])) if name else ""


def base_name(name: str) -> str:
    """The last part of a path of any system, for display."""
    return one_line(one_line(name, length=1000).replace("\\", "/").rstrip("/").rpartition("/")[2])


def decoded(text: str) -> str:
    """`text` with its RFC 2047 encoded words decoded; as it is when they are broken."""
    if "=?" not in text:
        return text
    try:
        pieces = decode_header(_BETWEEN_WORDS.sub(r"\1\2", text))
        return "".join(piece if isinstance(piece, str) else _word(piece, charset) for piece, charset in pieces)
    except (HeaderParseError, ValueError, LookupError):
        return text


def _word(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset or "latin-1", "replace")
    except LookupError:
        return raw.decode("latin-1")
