"""Dates of mails (RFC 5322 section 3.3), and what programs write in their place."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MAX_TEXT: Final = 200  # characters that are looked at: the standard library's reader gets no more


def moment(text: str) -> datetime | None:
    """The date in UTC; None when it is missing, unreadable or impossible. Without a zone it is taken as UTC."""
    try:
        read = parsedate_to_datetime(text[:MAX_TEXT])
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
