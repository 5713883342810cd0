from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.imap.grammar import answers, names
from fetcher.imap.grammar.answers import FolderStatus, Selected
from fetcher.imap.grammar.names import Namespace
from fetcher.imap.grammar.tokens import Answer, tokens


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'* NAMESPACE (("" "/")) NIL NIL', Namespace("", "/")),
        (b'* NAMESPACE (("INBOX." ".")("x" "/")) (("~" "/")) NIL', Namespace("INBOX.", ".")),
        (b'* NAMESPACE (("" NIL)) NIL NIL', Namespace("", None)),
        (b"* NAMESPACE NIL NIL NIL", None),
    ],
)
def test_the_first_personal_namespace_counts(line: bytes, expected: Namespace | None) -> None:
    assert names.namespace([(line,)]) == expected


@pytest.mark.parametrize(
    "answer",
    [
        (b'* STATUS "a (b)" (UNSEEN 2 UIDNEXT 18 MESSAGES 17 X-MORE (1 2) UIDVALIDITY 9)',),
        (b"* STATUS Sent Items (UNSEEN 2 UIDNEXT 18 MESSAGES 17 UIDVALIDITY 9) ",),
        (b'* STATUS "a "b" c" (unseen 2 uidnext 18 messages 17 uidvalidity 9)',),
        (b"* STATUS ", b"a(b", b" (UNSEEN 2 UIDNEXT 18 MESSAGES 17 UIDVALIDITY 9)"),
    ],
)
def test_a_status_answer_is_counts_in_any_order(answer: Answer) -> None:
    assert answers.folder_status([answer]) == FolderStatus(mails=17, unread=2, uidvalidity=9, uidnext=18)


def test_what_a_status_answer_leaves_out_is_not_known() -> None:
    assert answers.folder_status([(b"* STATUS x (MESSAGES 17)",)]) == FolderStatus(17, 0, None, None)


@pytest.mark.parametrize(
    "line",
    [b"* OK ready", b"* OK [UIDVALIDITY 0] x", b"* OK [UIDVALIDITY x] y", b"* OK [UIDVALIDITY 9999999999999999999] y"],
)
def test_a_select_without_uidvalidity_is_not_enough(line: bytes) -> None:
    assert answers.selected("x", [(b"* 1 EXISTS",), (line,)], read_only=False) is None


def test_a_select_tells_the_state_of_the_folder() -> None:
    told: list[Answer] = [
        (b"* 17 EXISTS",),
        (b"* OK [UIDVALIDITY 3857529045] UIDs valid",),
        (b"* OK [UIDNEXT 4392] Predicted next UID",),
        (b"* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited",),
    ]

    assert answers.selected("x", told, read_only=False) == Selected("x", 3857529045, 4392, 17, False)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"* SEARCH"], []),
        ([b"* SEARCH 9 2 5", b"* SEARCH 2 1"], [1, 2, 5, 9]),
        ([b"* SEARCH 2 3 (MODSEQ 917162500)"], [2, 3]),
        ([b'* ESEARCH (TAG "A1") UID ALL 4:6,1'], [1, 4, 5, 6]),
        ([b'* ESEARCH (TAG "A1") UID'], []),
        ([b'* ESEARCH (TAG "A1") UID MIN 1 ALL 1:2'], [1, 2]),
    ],
)
def test_found_uids_are_in_rising_order(lines: list[bytes], expected: list[int]) -> None:
    assert answers.found_uids([(line,) for line in lines]) == expected


@pytest.mark.parametrize(
    "parse", [names.folders, names.namespace, answers.folder_status, answers.found_uids, lambda a: tokens(a[0])]
)
@given(line=st.binary(max_size=60), literal=st.binary(max_size=5))
def test_nonsense_is_refused_with_a_value_error_and_nothing_else(
    parse: Callable[[list[Answer]], object], line: bytes, literal: bytes
) -> None:
    for answer in ((b"* " + line,), (b"* LIST (" + line, literal, b")"), (b"* STATUS x (" + line + b")",)):
        try:
            parse([answer])
        except ValueError:
            continue


@pytest.mark.parametrize("line", [b"(" * 100, b"(" * 100_000, b"())", b'"open', b"(a"])
def test_deep_and_unbalanced_lists_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"deep|unbalanced|unreadable|line over"):
        tokens((line,))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"BODY[]<0.5> x", ["BODY[]<0.5>", "x"]),
        (b"BODY[HEADER.FIELDS (FROM SUBJECT)]<0> (a b)", ["BODY[HEADER.FIELDS (FROM SUBJECT)]<0>", ["a", "b"]]),
        (b'"a\\"b" NIL [Gmail]/x a[b c', [b'a"b', None, "[Gmail]/x", "a[b", "c"]),
        (b'"a\\\\" "" ()', [b"a\\", b"", []]),
    ],
)
def test_words_are_atoms_strings_and_lists(line: bytes, expected: list[object]) -> None:
    assert tokens((line,)) == expected


@pytest.mark.parametrize(
    ("line", "why"), [(b"a " * 20_000, "over 10000 words"), (b"x" * 70_000, "line over"), (b'"' + b"\\" * 50, "quote")]
)
def test_an_answer_of_too_many_words_or_bytes_is_refused(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tokens((line,))


@pytest.mark.parametrize(
    "line",
    [
        b"* SEARCH " + b" ".join(b"%d" % n for n in range(1, 500_003)),
        b"* SEARCH " + b"1 " * 2_000_000,
        b"* ESEARCH (TAG x) UID ALL 1:500002",
        b"* ESEARCH (TAG x) UID ALL 1:4294967295",
    ],
)
def test_more_uids_than_a_process_should_hold_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="UIDs in one answer"):
        answers.found_uids([(line,)])
