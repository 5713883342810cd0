import pytest

from fetcher.imap.grammar import names
from fetcher.imap.grammar.names import Folder, Namespace

DOTS = Namespace("INBOX.", ".")
SLASHES = Namespace("", "/")


@pytest.mark.parametrize(
    ("wanted", "there", "own", "meant"),
    [
        ("INBOX", ["INBOX"], SLASHES, "INBOX"),
        ("inbox", ["INBOX"], None, "INBOX"),
        ("Done", ["INBOX", "INBOX.Done"], DOTS, "INBOX.Done"),
        ("Done", ["Done", "INBOX.Done"], DOTS, "Done"),
        ("A/B", ["INBOX.A.B"], DOTS, "INBOX.A.B"),
        ("A/B", ["A.B"], DOTS, "A.B"),
        ("INBOX/A", ["INBOX.A"], DOTS, "INBOX.A"),
        ("done", ["Done"], SLASHES, None),
        ("Done", [], None, None),
        ("Reports", ["INBOX", "Reports "], None, "Reports "),
    ],
)
def test_a_folder_is_found_by_the_name_people_give_it(
    wanted: str, there: list[str], own: Namespace | None, meant: str | None
) -> None:
    assert names.existing(wanted, [Folder(name, "/") for name in there], own) == meant


def test_a_folder_that_cannot_hold_mail_is_not_found() -> None:
    assert names.existing("x", [Folder("x", "/", frozenset({"\\noselect"}))], None) is None


@pytest.mark.parametrize(
    ("wanted", "own", "created"),
    [
        ("A/B", DOTS, "INBOX.A.B"),
        ("INBOX.A", DOTS, "INBOX.A"),
        ("A/B", SLASHES, "A/B"),
        ("A/B", None, "A/B"),
        ("A/B", Namespace("", None), "A/B"),
    ],
)
def test_a_missing_folder_is_created_where_the_account_keeps_its_own(
    wanted: str, own: Namespace | None, created: str
) -> None:
    assert names.to_create(wanted, own) == created


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["INBOX", "Reports.DMARC"], Namespace("", ".")),
        (["INBOX", "INBOX.Reports.DMARC"], Namespace("INBOX.", ".")),
        (["INBOX"], Namespace("", ".")),
        (["INBOX", "INBOX.a", "shared.b"], Namespace("", ".")),
    ],
)
def test_without_namespace_the_list_tells_where_folders_are(there: list[str], expected: Namespace) -> None:
    assert names.guessed([Folder(name, ".") for name in there]) == expected


@pytest.mark.parametrize("listed", [[], [Folder("INBOX", None)]])
def test_where_nothing_tells_the_delimiter_nothing_is_guessed(listed: list[Folder]) -> None:
    assert names.guessed(listed) is None
