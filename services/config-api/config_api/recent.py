"""Dear answers, kept for a while: the dearer, the longer, so that a page that many look at costs a bounded share."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

T = TypeVar("T")
DEAR = 0.15  # seconds; what takes less is asked for each time
TIMES = 20  # an answer is kept so many times as long as it took
MOST = 100  # answers


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    until: float


class Recent:
    """For one event loop. Whoever wants an answer that is being worked out waits for that one."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}
        self._asking: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()  # while anybody waits

    async def answer(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """What was answered recently, or else what `ask` gives."""
        asking = self._asking.setdefault(key, asyncio.Lock())
        async with asking:
            began = self._clock()
            kept = self._kept.get(key)
            if kept is not None and began < kept.until:
                return cast(T, kept.value)
            value = await ask()
            now = self._clock()
            self._kept = {known: each for known, each in self._kept.items() if now < each.until and known != key}
            if now - began >= DEAR and len(self._kept) < MOST:
                self._kept[key] = _Kept(value, now + TIMES * (now - began))
            return value
