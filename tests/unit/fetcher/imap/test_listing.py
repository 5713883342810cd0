import pytest

from fetcher.imap.grammar.names import Folder, folders
from fetcher.imap.grammar.tokens import Answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((b'* LIST (\\HasNoChildren) "/" INBOX',), Folder("INBOX", "/", frozenset({"\\hasnochildren"}))),
        ((b'* LIST () "." "Gel&APY-schte \\"x\\""',), Folder('Gelöschte "x"', ".")),
        ((b'* LIST () "/" ', b'we"ird', b""), Folder('we"ird', "/")),
        ((b'* LIST (\\Noselect) NIL "a * b"',), Folder("a * b", None, frozenset({"\\noselect"}))),
        ((b'* LIST () "\\\\" "a\\\\b" ("CHILDINFO" ("SUBSCRIBED"))',), Folder("a\\b", "\\")),
        ((b'* LIST () "/" a ("CHILDINFO" ("SUBSCRIBED"))',), Folder("a", "/")),
        ((b"* LIST () NIL INBOX",), Folder("INBOX", None)),
    ],
)
def test_a_list_answer_is_a_folder(answer: Answer, expected: Folder) -> None:
    assert folders([answer]) == (expected,)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'* LIST () "/" [Gmail]/Starred', "[Gmail]/Starred"),
        (b'* LIST () "/" [Gmail]/Sent Mail', "[Gmail]/Sent Mail"),
        (b'* LIST () "/" Sent Items', "Sent Items"),
        (b'* LIST () "/" Reports (old)', "Reports (old)"),
        (b'* LIST () "/" "the "big" one"', 'the "big" one'),
        (b'* LIST () "/" "a" b"', 'a" b'),
        (b'* LIST () "/" "not closed', "not closed"),
        (b"* LIST () / plain", "plain"),
        (b'* LIST (\\HasNoChildren)  "/"  "two blanks"', "two blanks"),
        (b'* LIST () "/" "behind "', "behind "),
    ],
)
def test_a_name_that_no_grammar_allows_is_read_whole(line: bytes, name: str) -> None:
    assert [folder.name for folder in folders([(line,)])] == [name]


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("Größe".encode(), "Größe"),
        (b"Gr\xf6\xdfe", "Gr\ufffd\ufffde"),
        (b"R&D", "R&D"),
        (b"&AEE-bc", "Abc"),
        (b"&AOQ-&APY-", "äö"),
        (b"&AOQ", "&AOQ"),
    ],
)
def test_a_name_is_kept_as_the_server_wrote_it(wire: bytes, name: str) -> None:
    (folder,) = folders([(b'* LIST () "/" "%s"' % wire,)])

    assert (folder.name, folder.wire) == (name, wire)


def test_each_line_is_read_by_itself_and_what_cannot_be_read_is_left_out() -> None:
    nonsense = [b"* LIST", b"* LIST ()", b'* LIST () "/" NIL', b'* LIST () "/"', b"* LIST )(", b'* LIST () "/" ""']
    too_long = b'* LIST () "/" "' + b"&" * 2000 + b'"'

    found = folders([(line,) for line in (b'* LIST () "/" "a"', *nonsense, too_long, b'* LIST () "/" "b"')])

    assert [folder.name for folder in found] == ["a", "b"]


def test_attributes_are_bounded() -> None:
    (folder,) = folders([(b"* LIST (" + b" ".join(b"\\a%d" % n for n in range(9000)) + b') "/" x',)])

    assert len(folder.attributes) == 20
