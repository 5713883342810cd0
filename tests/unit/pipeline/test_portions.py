import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.stage import portions


@pytest.mark.parametrize(
    ("weights", "cut"),
    [
        ([], []),  # nothing is nothing
        ([1, 1], [[1, 1]]),  # what fits stays together
        ([4], [[4]]),  # up to the limit
        ([3, 2], [[3], [2]]),  # and no more
        ([9], [[9]]),  # what is too heavy goes by itself
        ([1, 9, 1], [[1], [9], [1]]),  # and takes no other along
        ([0, 0, 9, 0], [[0, 0], [9], [0]]),  # nor what weighs nothing
    ],
)
def test_a_batch_is_cut_where_it_gets_too_heavy(weights: list[int], cut: list[list[int]]) -> None:
    assert list(portions(weights, weight=int, limit=4)) == cut


@given(weights=st.lists(st.integers(0, 10)), limit=st.integers(1, 20))
def test_no_item_is_lost_and_no_portion_is_too_heavy(weights: list[int], limit: int) -> None:
    cut = list(portions(weights, weight=int, limit=limit))

    assert [item for portion in cut for item in portion] == weights
    assert all(portion and (sum(portion) <= limit or len(portion) == 1) for portion in cut)
