import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.imap.faults import ImapFault
from fetcher.imap.wire import Answer, AnswerReader, Bounds

BOUNDS = Bounds(max_line_bytes=1000, max_literal_bytes=1000)


def answers(*reads: bytes) -> list[Answer]:
    reader = AnswerReader(BOUNDS)
    return [answer for read in reads for answer in reader.feed(read)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"* OK hi\r\n", [(b"* OK hi",)]),
        (b"* 1 FETCH (BODY[] {5}\r\nab\r\nc)\r\nA1 OK\r\n", [(b"* 1 FETCH (BODY[] ", b"ab\r\nc", b")"), (b"A1 OK",)]),
        (
            b"* 1 FETCH (A {1}\r\nx B {0}\r\n C {2}\r\nyz)\r\n",
            [(b"* 1 FETCH (A ", b"x", b" B ", b"", b" C ", b"yz", b")")],
        ),
        (b"* LIST () {3}\r\na\r\n\r\n", [(b"* LIST () ", b"a\r\n", b"")]),
        (b'* LIST () "/" "a * b"\r\n', [(b'* LIST () "/" "a * b"',)]),
        # the text of a status is free: nothing is announced
        (b"* OK odd {5}\r\nA1 NO odd {7}\r\n", [(b"* OK odd {5}",), (b"A1 NO odd {7}",)]),
    ],
)
def test_a_stream_is_cut_into_whole_answers(stream: bytes, expected: list[Answer]) -> None:
    assert answers(stream) == expected


@given(st.data())
def test_how_the_stream_was_cut_into_reads_makes_no_difference(data: st.DataObject) -> None:
    stream = b'* 1 FETCH (UID 5 BODY[] {12}\r\nline\r\n{3}\r\nx {4}\r\n* "q)\r\n* 2 EXISTS\r\nA1 OK {3} done\r\n'
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    reads = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert answers(*reads) == answers(stream)


def test_ten_thousand_lines_in_one_read_are_ten_thousand_answers() -> None:
    assert len(answers(b"".join(b"* %d EXPUNGE\r\n" % n for n in range(10_000)))) == 10_000


@pytest.mark.parametrize("size", [1001, 10_000_000_000, 10**19])
def test_a_literal_that_is_announced_too_large_is_refused_before_it_comes(size: int) -> None:
    with pytest.raises(ImapFault, match="announced"):
        answers(b"* 1 FETCH (BODY[] {%d}\r\n" % size)


@pytest.mark.parametrize("reads", [[b"x" * 1001], [b"x" * 1001 + b"\r\n"], [b"x" * 600, b"x" * 600]])
def test_a_line_without_an_end_is_refused(reads: list[bytes]) -> None:
    with pytest.raises(ImapFault, match="line over"):
        answers(*reads)


def test_what_is_not_whole_is_pending() -> None:
    reader = AnswerReader(BOUNDS)
    list(reader.feed(b"* OK\r\n"))
    assert not reader.pending

    list(reader.feed(b"* 1 FETCH (BODY[] {5}\r\n"))
    assert reader.pending
