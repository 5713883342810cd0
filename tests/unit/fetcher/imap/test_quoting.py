import pytest

from fetcher.imap.grammar import arguments
from fetcher.imap.grammar.arguments import Literal


@pytest.mark.parametrize(
    ("value", "argument"),
    [
        ("plain", '"plain"'),
        ("", '""'),
        ('a "b" \\c', '"a \\"b\\" \\\\c"'),
        ("{5}", '"{5}"'),
        ("pässword", Literal("pässword".encode())),
        ("a\r\nA1 DELETE INBOX", Literal(b"a\r\nA1 DELETE INBOX")),
    ],
)
def test_text_is_quoted_where_it_may_be_and_a_literal_elsewhere(value: str, argument: arguments.Argument) -> None:
    assert arguments.text(value) == argument


def test_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        arguments.text("a\0b")


def test_a_folder_name_is_always_a_quoted_string() -> None:
    sent = arguments.lines([arguments.folder('Ärchiv "x"\r\n\\ & y')])

    assert sent == [b'"&AMQ-rchiv \\"x\\"&AA0ACg-\\\\ &- y"']


def test_a_folder_name_that_the_server_wrote_itself_is_sent_as_it_is() -> None:
    names = [arguments.FolderName("x", b'Gr\xc3\xb6\xc3\x9fe "R&D" '), arguments.FolderName("y", b"two\nlines")]

    assert arguments.lines(names) == [b'"Gr\xc3\xb6\xc3\x9fe \\"R&D\\" " {9}', b"two\nlines"]


@pytest.mark.parametrize(
    ("given", "pieces"),
    [
        ([], [b""]),
        (["UID", "1:*"], [b"UID 1:*"]),
        ([Literal(b"ann"), Literal(b"pw")], [b"{3}", b"ann {2}", b"pw"]),
        (["SUBJECT", Literal(b"x"), "UNSEEN"], [b"SUBJECT {1}", b"x UNSEEN"]),
        ([Literal(b""), '"b"'], [b"{0}", b' "b"']),
    ],
)
def test_a_literal_ends_a_piece_and_the_rest_follows_its_bytes(
    given: list[arguments.Argument], pieces: list[bytes]
) -> None:
    assert arguments.lines(given) == pieces
