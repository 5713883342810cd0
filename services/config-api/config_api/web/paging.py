"""Lists in pages: a page says where the next one begins, by value and not by number, so that nothing is seen twice."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import ip_interface
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from config_api.web.absence import Maybe
from config_api.web.problem import FieldError, invalid
from config_api.web.shapes import FIRST_YEAR, LAST_YEAR

T = TypeVar("T")
DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_BIGINT = 2**63 - 1


class Page(BaseModel, Generic[T]):
    """Some entries; `next_cursor` asks for the following ones, null at the end."""

    model_config = ConfigDict(frozen=True)

    items: list[T]
    next_cursor: str | None = None


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Entries a page.")
    cursor: Maybe[Annotated[str, Field(max_length=500)]] = Field(None, description="`next_cursor` of the page before.")


def page_of(found: Sequence[T], limit: int, mark: Callable[[T], Sequence[Any]]) -> Page[T]:
    """A page from one entry more than its limit. `mark` gives what the list is sorted by."""
    items = list(found[:limit])
    return Page(items=items, next_cursor=cursor_of(mark(items[-1])) if len(found) > limit else None)


def moment_mark(cursor: str | None) -> tuple[datetime, str] | None:
    """The mark of a list sorted by time and a text. Raises Problem 422."""
    return None if cursor is None else _read(cursor, _moment, _text)


def moment_number_mark(cursor: str | None) -> tuple[datetime, int] | None:
    """The mark of a list sorted by time and a number. Raises Problem 422."""
    return None if cursor is None else _read(cursor, _moment, _number)


def numbers_mark(cursor: str | None) -> tuple[int, int] | None:
    """The mark of a list sorted by two numbers. Raises Problem 422."""
    return None if cursor is None else _read(cursor, _number, _number)


def number_mark(cursor: str | None) -> int | None:
    """The mark of a list sorted by a number. Raises Problem 422."""
    return None if cursor is None else _read(cursor, _number)[0]


def mixed_mark(
    cursor: str | None, *, moments: int = 0, numbers: int = 0, addresses: int = 0, texts: int = 0
) -> tuple[Any, ...] | None:
    """The mark of a list sorted by so many times, then numbers, then addresses, then texts. Raises Problem 422."""
    kinds = [_moment] * moments + [_number] * numbers + [_address] * addresses + [_text] * texts
    return None if cursor is None else _read(cursor, *kinds)


def cursor_of(mark: Sequence[Any]) -> str:
    """The cursor that asks for what comes after the mark."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in mark]
    return urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def _read(cursor: str, *kinds: Callable[[Any], Any]) -> tuple[Any, ...]:
    try:
        parts = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list):
            raise TypeError
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError, RecursionError):
        raise invalid(FieldError(field="cursor", text="Use next_cursor of the page before, or leave it out.")) from None


def _moment(part: Any) -> datetime:
    at = datetime.fromisoformat(part)
    if at.tzinfo is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError
    return at


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
