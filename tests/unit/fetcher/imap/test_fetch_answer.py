from datetime import UTC, datetime

import pytest

from fetcher.imap.grammar.fetch_answer import MAX_HEADER_BYTES, Fetched, Meta, bodies, internal_date, metas
from fetcher.imap.grammar.tokens import Answer

DATE = datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)
META = b'UID 5 RFC822.SIZE 44 INTERNALDATE "17-Jul-1996 02:44:25 -0700" FLAGS (\\Seen $Junk)'


@pytest.mark.parametrize(
    ("answer", "header"),
    [
        ((b"* 1 FETCH (" + META + b")",), b""),
        ((b"* 1 FETCH (BODY[HEADER.FIELDS (FROM SUBJECT)] ", b"From: a\r\n", b" " + META + b")"), b"From: a\r\n"),
        ((b'* 1 FETCH (BODY[HEADER.FIELDS ("FROM" "SUBJECT")] "From: a" ' + META + b")",), b"From: a"),
        ((b"* 1 FETCH (BODY[HEADER.FIELDS (FROM SUBJECT)]<0> ", b"From: a", b" " + META + b")"), b"From: a"),
        ((b"* 1 FETCH (BODY[HEADER.FIELDS (FROM SUBJECT)]<0.32768> ", b"From: a", b" " + META + b")"), b"From: a"),
        ((b"* 1 FETCH (" + META.lower() + b" body[header.fields (FROM)] NIL)",), b""),
        ((b"* 1 FETCH (MODSEQ (12) " + META + b")",), b""),
    ],
)
def test_meta_data_is_read_in_any_order(answer: Answer, header: bytes) -> None:
    (meta,) = metas([answer]).values()

    assert (meta.uid, meta.size, meta.internal_date, meta.header) == (5, 44, DATE, header)
    assert {flag.lower() for flag in meta.flags} == {"\\seen", "$junk"}


def test_no_more_of_a_header_is_kept_than_was_asked_for() -> None:
    told: list[Answer] = [(b"* 1 FETCH (UID 5 RFC822.SIZE 9 BODY[HEADER.FIELDS (FROM)] ", b"x" * 1_000_000, b")")]

    assert len(metas(told)[5].header) == MAX_HEADER_BYTES


def test_two_answers_on_one_mail_are_one_meta() -> None:
    told: list[Answer] = [(b"* 1 FETCH (UID 5 RFC822.SIZE 44)",), (b"* 1 FETCH (FLAGS (\\Seen) UID 5)",)]

    assert metas(told) == {5: Meta(5, 44, None, frozenset({"\\Seen"}))}


def test_a_size_beyond_every_mail_is_the_largest_that_can_be_kept() -> None:
    told: list[Answer] = [(b"* 1 FETCH (UID 5 RFC822.SIZE 99999999999999999999)",)]

    assert metas(told)[5].size == 2**63 - 1


def test_news_of_other_clients_are_no_answers() -> None:
    told: list[Answer] = [(b"* 1 FETCH (FLAGS (\\Seen))",), (b"* 2 FETCH (UID 6 FLAGS ())",)]

    assert metas(told) == {}
    assert bodies(told, max_bytes=10) == {}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((b"* 1 FETCH (UID 5 BODY[]<0> ", b"* a)\r\n", b")"), Fetched(5, b"* a)\r\n")),
        ((b"* 1 FETCH (BODY[] ", b"x", b" UID 5)"), Fetched(5, b"x")),
        ((b'* 1 FETCH (UID 5 BODY[]<0> "quoted")',), Fetched(5, b"quoted")),
        ((b"* 1 FETCH (UID 5 BODY[]<0> ", b"", b")"), Fetched(5, b"")),
        ((b"* 1 FETCH (UID 5 BODY[]<0> ", b"x" * 11, b")"), Fetched(5, b"", too_large=True)),
        ((b"* 1 FETCH (UID 5 BODY[]<0.11> ", b"x", b")"), Fetched(5, b"x")),
        ((b"* 1 FETCH (UID 5 BODY[] NIL)",), None),
    ],
)
def test_a_body_is_read_whether_literal_or_quoted(answer: Answer, expected: Fetched | None) -> None:
    assert bodies([answer], max_bytes=10).get(5) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17-Jul-1996 02:44:25 -0700", DATE),
        (" 7-jul-1996 09:44:25 +0000", datetime(1996, 7, 7, 9, 44, 25, tzinfo=UTC)),
        ("17-Jux-1996 02:44:25 -0700", None),
        ("31-Feb-1996 02:44:25 -0700", None),
        ("17-Jul-1996 02:44:25 -9900", None),
        ("01-Jan-0001 00:00:00 +0100", None),
        ("yesterday", None),
    ],
)
def test_an_impossible_date_is_no_date(text: str, expected: datetime | None) -> None:
    assert internal_date(text) == expected


@pytest.mark.parametrize("line", [b"* 1 FETCH", b"* 1 FETCH (UID)", b"* 1 FETCH UID 5", b"* 1 FETCH (() 1)"])
def test_nonsense_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"FETCH|item|text"):
        metas([(line,)])
