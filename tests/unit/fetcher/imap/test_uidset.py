import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.imap.grammar import uidset

uids = st.sets(st.integers(1, 5000), max_size=300)


@pytest.mark.parametrize(
    ("numbers", "compressed"),
    [([], ""), ([7], "7"), ([1, 2], "1:2"), ([5, 1, 2, 3, 4, 7, 7], "1:5,7"), ([1, 3, 5], "1,3,5")],
)
def test_neighbours_become_a_range(numbers: list[int], compressed: str) -> None:
    assert uidset.compress(numbers) == compressed


@given(uids)
def test_a_compressed_set_holds_exactly_what_went_in(numbers: set[int]) -> None:
    assert uidset.expand(uidset.compress(numbers)) == sorted(numbers)


@given(uids, st.integers(1, 50))
def test_chunks_together_hold_every_uid_once(numbers: set[int], most: int) -> None:
    chunks = [uidset.expand(chunk) for chunk in uidset.chunks(numbers, max_uids=most)]

    assert [uid for chunk in chunks for uid in chunk] == sorted(numbers)
    assert all(len(chunk) <= most for chunk in chunks)


def test_a_chunk_fits_in_a_command_line() -> None:
    chunks = list(uidset.chunks(range(1_000_000, 1_008_000, 2), max_uids=4000))

    assert max(map(len, chunks)) <= uidset.MAX_SET_CHARACTERS
    assert len(chunks) == 6


@pytest.mark.parametrize("hostile", ["1:4294967295", "1:2000001", ",".join(["1:900000"] * 3)])
def test_a_set_that_would_fill_the_memory_is_refused(hostile: str) -> None:
    with pytest.raises(ValueError, match="more than"):
        uidset.expand(hostile)


@pytest.mark.parametrize("nonsense", ["a", "1:*", "1;2"])
def test_a_set_that_is_none_is_refused(nonsense: str) -> None:
    with pytest.raises(ValueError, match="no UID"):
        uidset.expand(nonsense)
