import asyncio

import pytest

from config_api.access.hashing import HashingRoom
from config_api.errors import Unavailable
from config_api.web.errors import status_of


async def test_few_are_inside_few_wait_and_the_others_are_told_at_once() -> None:
    room = HashingRoom(at_once=2, in_line=2)
    inside, refused, go_on, all_there = [], [], asyncio.Event(), asyncio.Barrier(3)

    async def enter(number: int) -> None:
        try:
            async with room.place():
                inside.append(number)
                await go_on.wait()
        except Unavailable as busy:
            refused.append((status_of(busy), busy.retry_after))
            await all_there.wait()

    entered = [asyncio.create_task(enter(number)) for number in range(6)]
    await all_there.wait()  # two were refused while the others are still there
    assert len(inside) == 2
    go_on.set()
    await asyncio.gather(*entered)
    assert len(inside) == 4
    assert [status for status, _ in refused] == [503, 503]
    assert all(retry_after for _, retry_after in refused)


async def test_a_place_is_free_again_after_a_fault() -> None:
    room = HashingRoom(at_once=1, in_line=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="fault"):
            async with room.place():
                raise ValueError("fault")


async def test_who_leaves_while_waiting_takes_no_place() -> None:
    room = HashingRoom(at_once=1, in_line=1)
    async with room.place():
        waiting = asyncio.create_task(_stay(room))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with room.place():
        pass


async def _stay(room: HashingRoom) -> None:
    async with room.place():
        await asyncio.sleep(3600)
