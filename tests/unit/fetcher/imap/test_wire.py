import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.tokens import Answer
from fetcher.imap.transport.wire import (
    MAX_UNASKED_BYTES,
    MIN_BYTES_A_SECOND,
    Allowance,
    AnswerReader,
    Budget,
    MinimumRate,
)
from pipeline.contracts.limits import MiB

SMALL = Allowance(line=1000, literal=1000, total=5000)
LARGE = Allowance(total=16 * MiB)


def answers(*reads: bytes, allowance: Allowance = SMALL) -> list[Answer]:
    reader = AnswerReader()
    reader.budget = Budget(allowance)
    found: list[Answer] = []
    for read in reads:
        reader.feed(read)
        while (answer := reader.answer()) is not None:
            found.append(answer)
    return found


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
        # LF alone ends a line too
        (b"* 1 FETCH (A {3}\na\nb)\nA1 OK\n", [(b"* 1 FETCH (A ", b"a\nb", b")"), (b"A1 OK",)]),
        # a blank line behind a literal is skipped where more must follow
        (b"* 1 FETCH (A {1}\r\nx\r\n)\r\nA1 OK\r\n", [(b"* 1 FETCH (A ", b"x", b")"), (b"A1 OK",)]),
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
    lines = b"".join(b"* %d EXPUNGE\r\n" % n for n in range(10_000))
    assert len(answers(lines, allowance=LARGE)) == 10_000


@pytest.mark.parametrize("size", [1001, 10_000_000_000, 10**19])
def test_a_literal_that_is_announced_too_large_is_refused_before_it_comes(size: int) -> None:
    with pytest.raises(ImapFault, match="announced"):
        answers(b"* 1 FETCH (BODY[] {%d}\r\n" % size)


@pytest.mark.parametrize("reads", [[b"x" * 1001], [b"x" * 1001 + b"\r\n"], [b"x" * 600, b"x" * 600]])
def test_a_line_without_an_end_is_refused(reads: list[bytes]) -> None:
    with pytest.raises(ImapFault, match="line over"):
        answers(*reads)


def test_what_is_not_whole_is_pending() -> None:
    reader = AnswerReader()
    reader.feed(b"* OK\r\n")
    assert reader.answer() == (b"* OK",)
    assert not reader.pending

    reader.feed(b"* 1 FETCH (BODY[] {5}\r\n")
    assert reader.answer() is None
    assert reader.pending

    reader.forget()
    assert not reader.pending


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        ((b"* 1 FETCH (A {900}\r\n" + b"x" * 900 + b")\r\n") * 9, "over 5000 bytes for one command"),
        (b"* 1 FETCH (A " + b"{0}\r\n" * 50, "literals|for one command"),
        (b"* x\r\n" * 100, "over 5000 bytes for one command"),
    ],
)
def test_many_small_answers_and_literals_are_refused_while_they_are_read(stream: bytes, why: str) -> None:
    with pytest.raises(ImapFault, match=why):
        answers(*(stream[at : at + 7] for at in range(0, len(stream), 7)))


def test_what_nobody_asked_for_is_bounded_too() -> None:
    budget = Budget(Allowance())
    budget.drop(MAX_UNASKED_BYTES - 1000, 1)
    with pytest.raises(ImapFault, match="nobody asked for"):
        budget.drop(1000, 1)


def test_an_answer_that_comes_byte_by_byte_is_too_slow_after_a_grace_and_one_that_is_whole_is_forgotten() -> None:
    rate = MinimumRate()
    for second in range(90):
        rate.heard(1, float(second), grace_s=90, unfinished=True)
    with pytest.raises(ImapFault, match="a second"):
        rate.heard(1, 100.0, grace_s=90, unfinished=True)

    rate.heard(1, 100.0, grace_s=90, unfinished=False)
    rate.heard(1, 500.0, grace_s=90, unfinished=True)


def test_a_slow_line_that_keeps_to_the_rate_may_take_long() -> None:
    rate = MinimumRate()
    for second in range(900):
        rate.heard(MIN_BYTES_A_SECOND, float(second), grace_s=90, unfinished=True)
