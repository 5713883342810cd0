"""How far a folder was read again."""

import pytest

from pipeline.contracts.cursor import BackfillCursor

UNDERWAY = BackfillCursor(uidvalidity=7, last_uid=5, up_to_uid=9)


@pytest.mark.parametrize(
    ("before", "uidvalidity", "after"),
    [
        (BackfillCursor(), 7, BackfillCursor(uidvalidity=7, last_uid=0, up_to_uid=20)),  # it begins
        (UNDERWAY, 7, UNDERWAY),  # it goes on; what came since it began is not part of it
        (UNDERWAY, 8, BackfillCursor(uidvalidity=8, last_uid=0, up_to_uid=20)),  # the folder was rebuilt
    ],
)
def test_it_begins_with_the_folder_as_it_is(before: BackfillCursor, uidvalidity: int, after: BackfillCursor) -> None:
    assert before.begun(uidvalidity=uidvalidity, up_to_uid=20) == after


@pytest.mark.parametrize(("uid", "last_uid"), [(6, 6), (5, 5), (0, 5)])
def test_it_never_goes_back(uid: int, last_uid: int) -> None:
    assert UNDERWAY.reached(uid).last_uid == last_uid
