"""Slow answers, kept for a while: the slower, the longer, so that a page that many look at costs a bounded share."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar, cast

from config_api.backend.confinement import confined_to

T = TypeVar("T")
SLOW = 0.1  # seconds; what takes less is asked for each time
TIMES = 20  # an answer is kept so many times as long as it took
MOST = 100  # answers
AT_ONCE = 2  # answers worked out at a time; the other connections to the database are for everything else


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    until: float


class Recent:
    """For one event loop. Whoever wants an answer that is being worked out gets that one; those who are confined to
    domains get answers of their own.

    It is worked out to its end when nobody waits any more: the next one to ask gets it sooner.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}
        self._working: dict[Hashable, asyncio.Task[Any]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def answer(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """What was answered recently, or else what `ask` gives, when its turn comes. Raises what that raises."""
        key = (confined_to(), key)
        if key not in self._working and not self._is_kept(key):
            await self._room.acquire()
            if key not in self._working and not self._is_kept(key):
                self._begin(key, ask)
            else:  # somebody else began it meanwhile
                self._room.release()
        if key in self._working:
            return cast(T, await asyncio.shield(self._working[key]))
        return cast(T, self._kept[key].value)

    async def answer_soon(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T | None:
        """The same, but None where it takes longer than `SLOW`, or too many others are being worked out."""
        key = (confined_to(), key)
        if self._is_kept(key):
            return cast(T, self._kept[key].value)
        if key not in self._working:
            if self._room.locked():
                return None
            await self._room.acquire()
            self._begin(key, ask)
        work = self._working[key]
        done, _ = await asyncio.wait({work}, timeout=SLOW)
        return cast(T, work.result()) if done else None

    def _is_kept(self, key: Hashable) -> bool:
        return key in self._kept and self._clock() < self._kept[key].until

    def _begin(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> None:
        """For who has room; it is free again when the answer is there."""
        work = self._working[key] = asyncio.create_task(self._work_out(key, ask))
        work.add_done_callback(_take_note)
        work.add_done_callback(lambda _: self._room.release())

    async def _work_out(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        began = self._clock()
        try:
            value = await ask()
        finally:
            del self._working[key]
        now = self._clock()
        self._kept = {known: each for known, each in self._kept.items() if now < each.until and known != key}
        if now - began >= SLOW and len(self._kept) < MOST:
            self._kept[key] = _Kept(value, now + TIMES * (now - began))
        return value


def _take_note(work: asyncio.Task[Any]) -> None:
    """Of a failure: where nobody waited for it, the next one to ask tries again and is told."""
    if not work.cancelled():
        work.exception()
