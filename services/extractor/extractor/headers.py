"""What a mail says of itself, for display and search: subject, sender, id and date. Lenient, bounded, never trusted.

RFC 5322 for the fields, RFC 2047 for encoded words. A field that is missing or unreadable is empty or None.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from pipeline.mailformat.addresses import addresses
from pipeline.mailformat.dates import moment
from pipeline.mailformat.fields import Fields
from pipeline.mailformat.words import decoded_words

SUBJECT_LENGTH: Final = 500  # characters
ADDRESS_LENGTH: Final = 320  # characters: 64 + "@" + 255 (RFC 5321 4.5.3.1)
MESSAGE_ID_LENGTH: Final = 500  # characters
FROM_LENGTH: Final = 1000  # characters of From that are looked at
ENCODED_LENGTH: Final = 2000  # characters of a value with encoded words that are looked at


def subject(fields: Fields) -> str:
    """The subject, decoded."""
    return one_line(decoded_words(fields.text("subject")[:ENCODED_LENGTH]), length=SUBJECT_LENGTH)


def from_address(fields: Fields) -> str:
    """The address of From, without the name; empty when there is none."""
    return _address_in(fields.text("from")[:FROM_LENGTH])


@lru_cache(maxsize=1000)
def _address_in(text: str) -> str:
    """Kept, for the same reporters write day by day."""
    address = next((found.address for found in addresses(text)), "")
    if not address:
        found = re.search(r"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,255}", text)
        address = found[0] if found else ""
    return one_line(address, length=ADDRESS_LENGTH)


def message_id(fields: Fields) -> str:
    """Message-ID with its angle brackets, as sent."""
    return one_line(fields.text("message-id"), length=MESSAGE_ID_LENGTH)


def date(fields: Fields) -> datetime | None:
    """The date in UTC; None when it is missing or unreadable. A date without a zone is taken as UTC."""
    return moment(fields.text("date"))


def file_name(fields: Fields) -> str:
    """The part's file name, decoded and cut to a base name fit for display; never a path to open."""
    name = fields.file_name
    return base_name(decoded_words(name[:ENCODED_LENGTH])) if name else ""


def base_name(name: str) -> str:
    """The last part of a path of any system, for display."""
    return one_line(one_line(name, length=1000).replace("\\", "/").rstrip("/").rpartition("/")[2])


NAME_LENGTH: Final = 255  # characters


def one_line(text: str, *, length: int = NAME_LENGTH) -> str:
    """`text` without control, format and surrogate characters, white space collapsed, at most `length` characters."""
    text = text[: length * 4]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    return " ".join(text.split())[:length]
