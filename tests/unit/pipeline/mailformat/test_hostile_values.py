"""Header values made to cost time, memory or the stack. A reader slower than linear meets the time limit."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mailformat.addresses import MAX_ADDRESSES, addresses
from pipeline.mailformat.dates import moment
from pipeline.mailformat.fields import Fields
from pipeline.mailformat.multipart import spans
from pipeline.mailformat.parameters import parameters
from pipeline.mailformat.words import decoded_words

MB = 1_000_000
PIECES = (
    *("(", ")", "()", "<", ">", "<>", '"', '\\"', "\\", "[", "]", ",", ";", ":", "@", ".", " ", "\t", "\r\n", "\r\n x"),
    *("=?utf-8?q?a?= ", "=?utf-8?q?a", "=?", "?=", "=?a?b?", "=?punycode?q?a-?=", "; a=b", ';a="', "; a*0=b", ";a*=b'"),
    *("a@b,", "(a@b", "a", "9", "=", "*", "%", "'", "\n", "a:\n", "ü", "From: a@b\r\n", "\n\n", "x\n", "--", "\0"),
)
READERS: tuple[Callable[[str], object], ...] = (
    addresses,
    decoded_words,
    parameters,
    moment,
    lambda text: Fields(text.encode()).text("from"),
    lambda text: Fields(b"From: " + text.encode()).texts("from"),
    lambda text: Fields(b"Content-Type: multipart/mixed" + text.encode()).parameters,
    lambda text: [*spans(text.encode(), b"a", start=0, end=len(text))],
)


@contextmanager
def little_stack(frames: int = 60) -> Iterator[None]:
    """So few calls may be in calls that whatever is recursive about its input fails."""
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_repeated_to_two_megabytes_costs_neither_time_nor_stack(piece: str) -> None:
    text = piece * (2 * MB // len(piece))
    with little_stack():
        for reader in READERS:
            reader(text)


@pytest.mark.parametrize(("opened", "closed"), [(1000, 0), (490, 490), (5000, 5000)])
def test_comments_in_comments_are_counted_not_followed(opened: int, closed: int) -> None:
    with little_stack():
        found = addresses("(" * opened + ")" * closed + "a@b")

    assert [each.address for each in found] == (["a@b"] if opened == closed else [])


def test_no_more_addresses_are_given_than_anybody_looks_at() -> None:
    assert len(addresses("a@b," * 5000)) == MAX_ADDRESSES


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=60).map("".join))
def test_no_text_makes_a_reader_fail(text: str) -> None:
    for reader in READERS:
        reader(text.encode("utf-8", "replace").decode())
    for found in addresses(text):
        assert "@" in found.address
