from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from config_api.access.hashing import HashingRoom
from config_api.web.problem import Problem


def test_few_are_inside_few_wait_and_the_others_are_told_at_once() -> None:
    room = HashingRoom(at_once=1, in_line=2)
    inside, refused, go_on = [], [], Event()
    all_there = Barrier(3)

    def enter(number: int) -> None:
        try:
            with room.place():
                inside.append(number)
                assert go_on.wait(10)
        except Problem as problem:
            refused.append((problem.status, problem.retry_after))
            all_there.wait(10)

    with ThreadPoolExecutor(5) as pool:
        entered = [pool.submit(enter, number) for number in range(5)]
        all_there.wait(10)  # two were refused while the others are still there
        assert len(inside) == 1
        go_on.set()
        for each in entered:
            each.result()
    assert len(inside) == 3
    assert [status for status, _ in refused] == [503, 503]
    assert all(retry_after for _, retry_after in refused)


def test_a_place_is_free_again_after_a_fault() -> None:
    room = HashingRoom(at_once=1, in_line=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="fault"), room.place():
            raise ValueError("fault")
