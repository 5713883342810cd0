import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.imap.grammar import arguments

PAIRS = [
    ("INBOX", "INBOX"),
    ("Jack & Jill", "Jack &- Jill"),
    ("Gelöschte Objekte", "Gel&APY-schte Objekte"),
    ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # the example of RFC 3501 section 5.1.3
    ("a\tb", "a&AAk-b"),
    ("😀", "&2D3eAA-"),
    ('quote" back\\slash', 'quote" back\\slash'),
    ("ä&ö", "&AOQ-&-&APY-"),
    ("", ""),
]


@pytest.mark.parametrize(("name", "wire"), PAIRS)
def test_a_folder_name_is_encoded(name: str, wire: str) -> None:
    assert arguments.to_modified_utf7(name) == wire


@pytest.mark.parametrize(("name", "wire"), PAIRS)
def test_a_folder_name_is_decoded(name: str, wire: str) -> None:
    assert arguments.from_modified_utf7(wire) == name


@pytest.mark.parametrize("wire", ["&", "&abc", "&!!!-", "&AA-", "&2D0-", "Gelöscht"])
def test_a_name_that_is_not_encoded_rightly_is_shown_as_it_is(wire: str) -> None:
    assert arguments.from_modified_utf7(wire) == wire


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_name_survives_and_is_printable_ascii(name: str) -> None:
    wire = arguments.to_modified_utf7(name)

    assert arguments.from_modified_utf7(wire) == name
    assert wire.isascii()
    assert wire.isprintable()
