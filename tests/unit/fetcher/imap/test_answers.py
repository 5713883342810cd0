from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.imap import answers
from fetcher.imap.answers import Folder, FolderStatus, Namespace, Selected
from fetcher.imap.tokens import tokens
from fetcher.imap.wire import Answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((b'* LIST (\\HasNoChildren) "/" INBOX',), Folder("INBOX", "/", frozenset({"\\hasnochildren"}))),
        ((b'* LIST () "." "Gel&APY-schte \\"x\\""',), Folder('Gelöschte "x"', ".")),
        ((b'* LIST () "/" ', b'we"ird', b""), Folder('we"ird', "/")),
        ((b'* LIST (\\Noselect) NIL "a * b"',), Folder("a * b", None, frozenset({"\\noselect"}))),
        ((b'* LIST () "/" NIL',), None),
        ((b'* LIST () "\\\\" "a\\\\b" ("CHILDINFO" ("SUBSCRIBED"))',), Folder("a\\b", "\\")),
    ],
)
def test_a_list_answer_is_a_folder(answer: Answer, expected: Folder | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="no LIST"):
            answers.folders([answer])
        return

    assert answers.folders([answer]) == (expected,)


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
    assert answers.namespace([(line,)]) == expected


def test_a_status_answer_is_counts_in_any_order() -> None:
    answer = (b'* STATUS "a (b)" (UNSEEN 2 UIDNEXT 18 MESSAGES 17 X-MORE (1 2) UIDVALIDITY 9)',)

    assert answers.folder_status([answer]) == FolderStatus(mails=17, unread=2, uidvalidity=9, uidnext=18)


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
    "parse", [answers.folders, answers.namespace, answers.folder_status, answers.found_uids, lambda a: tokens(a[0])]
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
    with pytest.raises(ValueError, match=r"deep|unbalanced|unreadable"):
        tokens((line,))
