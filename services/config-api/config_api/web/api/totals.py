"""How many entries a list has, for whoever asks: counted no further than so many, and for no longer than so long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from config_api.web.paging import MAX_COUNTED, MAX_LIMIT, Page, PageQuery, Total

T = TypeVar("T")
LONGEST = 2.0  # seconds


async def with_total(
    page: Page[T],
    query: PageQuery,
    read: Callable[[int, str | None], Awaitable[Page[T]]],
    *,
    count: Callable[[], Awaitable[int]] | None = None,
    longest: float = LONGEST,
) -> Page[T]:
    """The page, with the number of all entries where the query wants it.

    `count` counts them, up to one more than MAX_COUNTED; without it, the pages that `read` gives are counted.
    """
    if not query.total:
        return page
    counted = _Counted(len(page.items))
    try:
        async with asyncio.timeout(longest):
            await (counted.by(count) if count is not None else counted.through(read))
    except TimeoutError:
        pass
    return page.model_copy(update={"total": Total(count=counted.count, exact=counted.is_exact)})


class _Counted:
    """What is known already, should the time be over."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.is_exact = False

    async def by(self, count: Callable[[], Awaitable[int]]) -> None:
        found = await count()
        self.count, self.is_exact = min(found, MAX_COUNTED), found <= MAX_COUNTED

    async def through(self, read: Callable[[int, str | None], Awaitable[Page[T]]]) -> None:
        found, cursor = 0, None
        while found < MAX_COUNTED:
            page = await read(MAX_LIMIT, cursor)
            found += len(page.items)
            self.count = max(self.count, min(found, MAX_COUNTED))
            cursor = page.next_cursor
            if cursor is None:
                self.is_exact = found <= MAX_COUNTED
                return
