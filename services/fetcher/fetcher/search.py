"""A mailbox's filters: what the server is asked to find, and the exact test on the headers of what it found.

Servers search loosely (whole days, parts of addresses, parts of words), so the search may find too much, and `matches`
decides. All of it is pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import getaddresses

from fetcher.imap.criteria import Criteria
from fetcher.imap.fetch_answer import Meta
from pipeline.mailbox import Filters

_FOLD = re.compile(r"\r?\n(?=[ \t])")
_FIELD = re.compile(r"^([!-9;-~]+)[ \t]*:[ \t]*(.*)$", re.MULTILINE)
# The server compares dates without time and zone, so that a day more is asked for than is wanted.
_SLACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Headers:
    """What the filters look at: the decoded subject, and the sender addresses in lower case."""

    subject: str
    senders: tuple[str, ...]


def criteria_for(filters: Filters, *, now: datetime, after_uid: int = 0, up_to_uid: int | None = None) -> Criteria:
    """What to ask the server for, given the filters and a range of UIDs (after_uid, up_to_uid]."""
    oldest = _oldest(filters, now)
    return Criteria(
        after_uid=after_uid,
        up_to_uid=up_to_uid,
        since=(oldest - _SLACK).date() if oldest else None,
        senders=tuple(sender.strip().removeprefix("@") for sender in filters.senders),
        subjects=filters.subject_contains,
    )


def needs_headers(filters: Filters) -> bool:
    """Whether `matches` looks at headers at all, so that they must be fetched."""
    return bool(filters.senders or filters.subject_contains)


def matches(filters: Filters, meta: Meta, *, now: datetime) -> bool:
    """Whether a mail passes every filter that is set. A mail without a server's date passes the age filter."""
    oldest = _oldest(filters, now)
    if oldest and meta.internal_date and meta.internal_date < oldest:
        return False
    if not needs_headers(filters):
        return True
    headers = headers_of(meta.header)
    return _subject_fits(filters.subject_contains, headers.subject) and _sender_fits(filters.senders, headers.senders)


def headers_of(raw: bytes) -> Headers:
    """Subject and senders in a raw header block, decoded (RFC 2047); what cannot be decoded stays as it is."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    fields = [(name.lower(), value.strip()) for name, value in _FIELD.findall(_FOLD.sub("", text))]
    subject = next((value for name, value in fields if name == "subject"), "")
    senders = getaddresses([value for name, value in fields if name == "from"])
    return Headers(_decoded(subject), tuple(address.lower() for _, address in senders if "@" in address))


def _oldest(filters: Filters, now: datetime) -> datetime | None:
    if filters.max_age_days is None:
        return None
    return now - timedelta(days=filters.max_age_days)


def _subject_fits(words: Iterable[str], subject: str) -> bool:
    wanted = [_plain(word) for word in words]
    return not wanted or any(word in _plain(subject) for word in wanted)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _sender_fits(wanted: Iterable[str], senders: Iterable[str]) -> bool:
    rules = [rule.strip().lower().removeprefix("@") for rule in wanted]
    return not rules or any(_is_from(rule, sender) for rule in rules for sender in senders)


def _is_from(rule: str, sender: str) -> bool:
    if "@" in rule:
        return sender == rule
    domain = sender.rpartition("@")[2]
    return domain == rule or domain.endswith("." + rule)


def _decoded(value: str) -> str:
    if "=?" not in value:
        return value
    try:
        words = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    text = "".join(_word(word, charset) for word, charset in words)
    return text.encode("utf-8", "replace").decode()  # a codec may give half of a surrogate pair


def _word(word: str | bytes, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    try:
        return word.decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError):  # codecs such as idna, which know no "replace", are charsets to Python too
        return word.decode("latin-1")
