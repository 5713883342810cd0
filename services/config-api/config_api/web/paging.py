"""Lists in pages: a page says where the next one begins, by value and not by number, so that nothing is seen twice."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_interface
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from config_api.errors import FieldError, Invalid, invalid
from config_api.web.absence import Maybe
from config_api.web.shapes import FIRST_YEAR, LAST_YEAR

T = TypeVar("T")
DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_BIGINT = 2**63 - 1
MAX_COUNTED = 10_000  # entries of a list; where there are more, that is said
BEFORE = "before"


class Total(BaseModel):
    """How many entries there are: `count`, or that many at least where it is not `exact`."""

    model_config = ConfigDict(frozen=True)

    count: int
    exact: bool = Field(description=f"False where there are more than {MAX_COUNTED:,}, or counting took too long.")


class Page(BaseModel, Generic[T]):
    """Some entries; `next_cursor` asks for the following ones, null at the end.

    Where a list can be read backwards, `previous_cursor` asks for the ones before, null at the beginning.
    """

    model_config = ConfigDict(frozen=True)

    items: list[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None
    total: Total | None = Field(None, description="Where `total=true` asked for it.")


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Entries a page.")
    cursor: Maybe[Annotated[str, Field(max_length=500)]] = Field(
        None, description="`next_cursor` or `previous_cursor` of a page."
    )
    total: bool = Field(False, description="Whether to count all entries, too; it takes two seconds at most.")


def page_of(found: Sequence[T], limit: int, mark: Callable[[T], Sequence[Any]]) -> Page[T]:
    """A page from one entry more than its limit. `mark` gives what the list is sorted by."""
    items = list(found[:limit])
    return Page(items=items, next_cursor=cursor_of(mark(items[-1])) if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: behind the entry with this mark, or before it; None: at the beginning of the list."""

    mark: tuple[Any, ...] | None = None
    is_backward: bool = False


def page_at(place: Place, found: Sequence[T], limit: int, mark: Callable[[T], Sequence[Any]]) -> Page[T]:
    """A page from one entry more than its limit, which were read in the direction of the place."""
    has_more, items = len(found) > limit, list(found[:limit])
    if place.is_backward:
        items.reverse()
    has_next = bool(items) and (has_more or place.is_backward)
    has_previous = bool(items) and (has_more if place.is_backward else place.mark is not None)
    return Page(
        items=items,
        next_cursor=cursor_of(mark(items[-1])) if has_next else None,
        previous_cursor=cursor_of(mark(items[0]), before=True) if has_previous else None,
    )


def place_of(cursor: str | None, *kinds: str) -> Place:
    """The place in a list that is sorted by values of these kinds: moment, number, address, text. Raises Invalid."""
    if cursor is None:
        return Place()
    parts = _decoded(cursor)
    is_backward = isinstance(parts, dict) and set(parts) == {BEFORE}
    return Place(_typed(parts[BEFORE] if is_backward else parts, [_KINDS[kind] for kind in kinds]), is_backward)


def moment_mark(cursor: str | None) -> tuple[datetime, str] | None:
    """The mark of a list sorted by time and a text. Raises Invalid."""
    return None if cursor is None else _read(cursor, _moment, _text)


def moment_number_mark(cursor: str | None) -> tuple[datetime, int] | None:
    """The mark of a list sorted by time and a number. Raises Invalid."""
    return None if cursor is None else _read(cursor, _moment, _number)


def numbers_mark(cursor: str | None) -> tuple[int, int] | None:
    """The mark of a list sorted by two numbers. Raises Invalid."""
    return None if cursor is None else _read(cursor, _number, _number)


def number_mark(cursor: str | None) -> int | None:
    """The mark of a list sorted by a number. Raises Invalid."""
    return None if cursor is None else _read(cursor, _number)[0]


def mixed_mark(
    cursor: str | None, *, moments: int = 0, numbers: int = 0, addresses: int = 0, texts: int = 0
) -> tuple[Any, ...] | None:
    """The mark of a list sorted by so many times, then numbers, then addresses, then texts. Raises Invalid."""
    kinds = [_moment] * moments + [_number] * numbers + [_address] * addresses + [_text] * texts
    return None if cursor is None else _read(cursor, *kinds)


def cursor_of(mark: Sequence[Any], *, before: bool = False) -> str:
    """The cursor that asks for what comes after the mark, or before it."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in mark]
    text = json.dumps({BEFORE: plain} if before else plain, separators=(",", ":"), ensure_ascii=False)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, *kinds: Callable[[Any], Any]) -> tuple[Any, ...]:
    return _typed(_decoded(cursor), kinds)


def _decoded(cursor: str) -> Any:
    try:
        return json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise _not_ours() from None


def _typed(parts: Any, kinds: Sequence[Callable[[Any], Any]]) -> tuple[Any, ...]:
    try:
        if not isinstance(parts, list):
            raise TypeError
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError):
        raise _not_ours() from None


def _not_ours() -> Invalid:
    return invalid(FieldError(field="cursor", text="Use next_cursor of the page before, or leave it out."))


def _moment(part: Any) -> datetime:
    at = datetime.fromisoformat(part)
    if at.tzinfo is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError
    return at.astimezone(UTC)  # PostgreSQL knows fewer offsets than ISO 8601


def _text(part: Any) -> str:
    if not isinstance(part, str) or "\0" in part:
        raise TypeError
    part.encode()
    return part


def _address(part: Any) -> str:
    return str(ip_interface(_text(part)))


def _number(part: Any) -> int:
    if not isinstance(part, int) or isinstance(part, bool) or not -MAX_BIGINT <= part <= MAX_BIGINT:
        raise TypeError
    return part


_KINDS: dict[str, Callable[[Any], Any]] = {
    "moment": _moment,
    "number": _number,
    "address": _address,
    "text": _text,
    "uuid": lambda part: UUID(_text(part)).hex,
}
