"""UID FETCH answers, from flat lines to typed items (RFC 3501 section 7.4.2)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from fetcher.imap.grammar.tokens import Answer, Token, number, text_of, tokens
from pipeline.contracts.limits import KiB

MAX_SIZE = 2**63 - 1  # RFC 9051 number64; a server may say anything
MAX_HEADER_BYTES = 16 * KiB  # of From and Subject; the server is asked for no more, and may send it all the same
MAX_SIZE_DIGITS = 30
MAX_FLAGS = 100
_KEPT = frozenset(("UID", "RFC822.SIZE", "INTERNALDATE", "FLAGS", "BODY[", "BODY[HEADER.FIELDS"))
_ASKED_BESIDE_SIZE = frozenset(("INTERNALDATE", "BODY[HEADER.FIELDS"))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_INTERNAL_DATE = re.compile(r" ?(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")

Items = dict[str, Token]
"""What one FETCH answer says of one email: item name in upper case, without section ("BODY[HEADER.FIELDS") -> value."""


@dataclass(frozen=True, slots=True)
class Meta:
    """An email without its body. `size` in bytes as the server says, the largest one where it says none.

    `header`: the raw fields asked for, b"" if none.
    """

    uid: int
    size: int
    internal_date: datetime | None
    flags: frozenset[str]
    header: bytes = b""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An email's bytes. `body` is None when the email is no longer there, or when the server kept it back (`withheld`);
    `too_large` when it was cut at the limit.
    """

    uid: int
    body: bytes | None
    too_large: bool = False
    withheld: bool = False


def metas(answers: Iterable[Answer]) -> dict[int, Meta]:
    """Meta data by UID. Raises ValueError for nonsense."""
    return {uid: meta for uid, items in _by_uid(answers).items() if (meta := _meta(uid, items))}


def uids_told(answers: Iterable[Answer]) -> list[int]:
    """The UIDs of `* 1 FETCH (UID 7)`, in rising order."""
    return sorted(_by_uid(answers))


def bodies(answers: Iterable[Answer], *, max_bytes: int) -> dict[int, Fetched]:
    """Bodies by UID; of a larger email `max_bytes` + 1 were asked for, which shows. Raises ValueError for nonsense."""
    return {uid: body for uid, items in _by_uid(answers).items() if (body := _body(uid, items, max_bytes=max_bytes))}


def internal_date(text: str) -> datetime | None:
    """'17-Jul-1996 02:44:25 -0700' as an aware datetime in UTC; None when it is no such date."""
    found = _INTERNAL_DATE.fullmatch(text)
    if found is None or found[2].lower() not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(found[n]) for n in (1, 3, 4, 5, 6))
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    try:
        zone = timezone(offset if found[7] == "+" else -offset)
        month = _MONTHS.index(found[2].lower()) + 1
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _by_uid(answers: Iterable[Answer]) -> dict[int, Items]:
    """A server may tell of one email in several answers, and of others unasked. Those without a UID are not for us."""
    found: dict[int, Items] = {}
    for answer in answers:
        items = _items(answer)
        uid = items.get("UID")
        if isinstance(uid, str) and uid.isdecimal():
            found.setdefault(number(uid.encode()), {}).update(items)
    return found


def _meta(uid: int, items: Items) -> Meta | None:
    size = items.get("RFC822.SIZE")
    if not isinstance(size, str) and _ASKED_BESIDE_SIZE.isdisjoint(items):
        return None  # news that nobody asked for
    flags, date, header = items.get("FLAGS"), items.get("INTERNALDATE"), items.get("BODY[HEADER.FIELDS")
    return Meta(
        uid=uid,
        size=_size(size) if isinstance(size, str) and size.upper() != "NIL" else MAX_SIZE,
        internal_date=internal_date(text_of(date)) if date is not None else None,
        flags=frozenset(text_of(flag) for flag in flags[:MAX_FLAGS]) if isinstance(flags, list) else frozenset(),
        header=header[:MAX_HEADER_BYTES] if isinstance(header, bytes) else b"",
    )


def _size(digits: str) -> int:
    if not digits.isdecimal():
        raise ValueError("a size was expected")
    return min(int(digits), MAX_SIZE) if len(digits) < MAX_SIZE_DIGITS else MAX_SIZE


def _body(uid: int, items: Items, *, max_bytes: int) -> Fetched | None:
    body = items.get("BODY[")
    if not isinstance(body, bytes):
        return None
    return Fetched(uid, b"", too_large=True) if len(body) > max_bytes else Fetched(uid, body)


def _items(answer: Answer) -> Items:
    match tokens(answer):
        case [_, _, list() as flat]:
            named = ((text_of(name).upper().partition("]")[0].partition(" ")[0], value) for name, value in _pairs(flat))
            return {name: value for name, value in named if name in _KEPT}
        case _:
            raise ValueError("no FETCH answer")


def _pairs(flat: list[Token]) -> Iterable[tuple[Token, Token]]:
    if len(flat) % 2:
        raise ValueError("an item without a value")
    return zip(flat[::2], flat[1::2], strict=True)
