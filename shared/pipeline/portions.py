"""Cutting a batch into portions that fit into memory together; pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def portions(items: Sequence[T], *, weight: Callable[[T], int], limit: int) -> Iterator[list[T]]:
    """The items in order, in lists whose weights sum up to `limit` at most; a heavier item is a portion by itself.

    >>> list(portions([2, 2, 9, 1], weight=int, limit=4))
    [[2, 2], [9], [1]]
    """
    portion: list[T] = []
    load = 0
    for item in items:
        if portion and load + weight(item) > limit:
            yield portion
            portion, load = [], 0
        portion.append(item)
        load += weight(item)
    if portion:
        yield portion
