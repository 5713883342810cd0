"""Where a page is in its list: "26 to 50 of 312", and what asks for the pages before and after it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config_api.web.paging import MAX_COUNTED, Page

FROM = "from"  # the parameter of a page's address that says how many entries came before; only shown, never trusted
FRAME = frozenset({"sort", "cursor", FROM})  # parameters that narrow nothing down


@dataclass(frozen=True, slots=True)
class Position:
    """`text` is for people; the others are queries, None where there is no such page.

    A list that is only read forwards has no `previous`, but leads to its `beginning`.
    """

    text: str
    previous: dict[str, Any] | None = None
    following: dict[str, Any] | None = None
    beginning: dict[str, Any] | None = None


def position_of(
    here: Mapping[str, str], page: Page[Any], *, total: int | None, limit: int, goes_back: bool = True
) -> Position:
    """The position of a page; `total` was counted up to MAX_COUNTED, None where nobody counted."""
    is_further = page.previous_cursor is not None if goes_back else "cursor" in here
    first = _first(here) if is_further else 1
    last = first + len(page.items) - 1
    plain: dict[str, Any] = {name: value for name, value in here.items() if name not in ("cursor", FROM)}
    previous: dict[str, Any] | None = None
    following: dict[str, Any] | None = None
    if page.previous_cursor:
        previous = {**plain, "cursor": page.previous_cursor, FROM: max(1, first - limit)}
    if page.next_cursor:
        following = {**plain, "cursor": page.next_cursor, FROM: last + 1}
    counted = last if total is None and page.next_cursor is None else total  # the end of the list counts, too
    text = f"{first:,} to {last:,}{_of(counted, last)}" if page.items else ""
    return Position(text, previous, following, plain if is_further and not goes_back else None)


def narrows(here: Mapping[str, str]) -> bool:
    """Whether a page's address narrows its list down."""
    return bool(set(here) - FRAME)


def _of(total: int | None, last: int) -> str:
    if total is None:
        return ""
    return f" of more than {MAX_COUNTED:,}" if total > MAX_COUNTED else f" of {max(total, last):,}"


def _first(here: Mapping[str, str]) -> int:
    text = here.get(FROM, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 1
