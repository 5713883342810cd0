"""Two names of one folder are known by its counts."""

import pytest

from fetcher.acting.targets import agree
from fetcher.imap.grammar.answers import FolderStatus

HERE = FolderStatus(mails=3, unread=1, uidvalidity=7, uidnext=9)


def test_counts_that_agree_are_those_of_one_folder() -> None:
    assert agree(HERE, FolderStatus(mails=3, unread=0, uidvalidity=7, uidnext=9))


@pytest.mark.parametrize(
    "other",
    [
        FolderStatus(mails=3, unread=1, uidvalidity=8, uidnext=9),
        FolderStatus(mails=3, unread=1, uidvalidity=7, uidnext=10),
        FolderStatus(mails=2, unread=1, uidvalidity=7, uidnext=9),
    ],
)
def test_counts_that_differ_are_those_of_two(other: FolderStatus) -> None:
    assert not agree(HERE, other)


def test_two_folders_that_were_made_in_the_same_second_and_never_used_are_not_taken_for_one() -> None:
    new = FolderStatus(mails=0, unread=0, uidvalidity=7, uidnext=1)
    assert not agree(new, new)
