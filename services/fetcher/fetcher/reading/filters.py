"""A mailbox's filters: what the server is asked to find, and the exact test on the headers of what it found.

Servers search loosely (whole days, parts of addresses, parts of words), so the search may find too much, and `matches`
decides. All of it is pure, but for `matching`, which asks.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.fetch_answer import Meta
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Filters
from pipeline.mailformat.addresses import addresses
from pipeline.mailformat.fields import Fields
from pipeline.mailformat.words import decoded_words

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
    """Whether an email passes every filter that is set. An email without a server's date passes the age filter."""
    oldest = _oldest(filters, now)
    if oldest and meta.internal_date and meta.internal_date < oldest:
        return False
    if not needs_headers(filters):
        return True
    headers = headers_of(meta.header)
    return _subject_fits(filters.subject_contains, headers.subject) and _sender_fits(filters.senders, headers.senders)


def headers_of(raw: bytes) -> Headers:
    """Subject and senders in a raw header block, decoded (RFC 2047); what cannot be decoded stays as it is."""
    fields = Fields(raw)
    senders = (found.address.lower() for value in fields.texts("from") for found in addresses(value))
    return Headers(decoded_words(fields.text("subject")), tuple(senders))


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


Search = Callable[[Criteria], Awaitable[Sequence[int]]]
WINDOW_MAILS = 2000  # a search in many texts takes a server long
STRAIN = frozenset((Category.THROTTLED, Category.TIMEOUT))  # a server says so, or falls silent, that is asked too much


def windows(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """These UIDs in pieces, each to be searched at once."""
    return (uids[start : start + WINDOW_MAILS] for start in range(0, len(uids), WINDOW_MAILS))


async def matching(search: Search, filters: Filters, window: Sequence[int], *, now: datetime) -> frozenset[int]:
    """The UIDs that the server finds to match the filters; `window` is rising, and was found without any.

    An email that comes between two searches must not seem to be passed over. Raises ImapFault.
    """
    if filters == Filters():
        return frozenset(window)
    criteria = criteria_for(filters, now=now, after_uid=window[0] - 1, up_to_uid=window[-1])
    return frozenset(await search(criteria)).intersection(window)
