"""How far a folder was read: where reading starts, and that it never goes back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.cursor import (
    GENERATION,
    Cursor,
    Landmark,
    above,
    advanced,
    filters_fingerprint,
    is_rewound,
    server_uidvalidity,
    start_of,
)
from pipeline.contracts.mailbox import Filters

ALL = Filters()
WORDS = Filters(subject_contains=("report", "dmarc"))
UIDS = st.lists(st.integers(1, 2**32 - 1), max_size=50)


def at(uid: int, *, uidvalidity: int = 7, filters: Filters = ALL) -> Cursor:
    return Cursor(uidvalidity=uidvalidity, last_uid=uid, filters=filters_fingerprint(filters))


@pytest.mark.parametrize(
    ("stored", "uidvalidity", "filters", "start"),
    [
        (None, 7, ALL, 0),
        (at(5), 7, ALL, 5),
        (at(5), 8, ALL, 0),
        (at(5), 7, WORDS, 0),
        (at(5, filters=WORDS), 7, ALL, 0),
        (at(5, filters=WORDS), 7, Filters(subject_contains=("dmarc", "report")), 5),
        (at(5), 7, Filters(max_age_days=30), 0),
        (at(5), 7, Filters(senders=("example.com",)), 0),
    ],
)
def test_reading_starts_at_the_cursor_unless_folder_or_filters_are_others(
    stored: Cursor | None, uidvalidity: int, filters: Filters, start: int
) -> None:
    cursor = start_of(stored, uidvalidity=uidvalidity, filters=filters)
    assert cursor == at(start, uidvalidity=uidvalidity, filters=filters)


def test_a_word_of_the_subject_is_no_sender() -> None:
    assert filters_fingerprint(Filters(subject_contains=("a",))) != filters_fingerprint(Filters(senders=("a",)))


def test_the_last_mail_below_the_cursor_is_not_new() -> None:
    assert above(at(9), [9]) == []


@given(st.integers(0, 2**32 - 1), UIDS)
def test_what_is_above_the_cursor_rises_without_repeats(last: int, uids: list[int]) -> None:
    new = above(at(last), uids + uids[:3])
    assert new == sorted(set(new))
    assert set(new) == {uid for uid in uids if uid > last}


@given(st.integers(0, 2**32 - 1), UIDS)
def test_a_cursor_never_goes_back(last: int, uids: list[int]) -> None:
    cursor = at(last)
    for uid in uids:
        moved = advanced(cursor, uid)
        assert moved.last_uid >= cursor.last_uid
        cursor = moved
    assert cursor.last_uid == max([last, *uids])
    assert above(cursor, uids) == []


@given(st.builds(Cursor, uidvalidity=st.integers(0), last_uid=st.integers(0), filters=st.text(max_size=16)))
def test_a_cursor_survives_its_bucket(cursor: Cursor) -> None:
    assert Cursor.model_validate_json(cursor.model_dump_json()) == cursor


def test_a_folder_that_was_rewound_is_read_again_as_another_generation_of_it() -> None:
    before = start_of(None, uidvalidity=7, filters=Filters()).model_copy(update={"last_uid": 9})

    rewound = start_of(before, uidvalidity=7, filters=Filters(), rewound=True)
    again = start_of(advanced(rewound, 5), uidvalidity=7, filters=Filters(), rewound=True)

    assert (rewound.last_uid, again.last_uid) == (0, 0)
    assert len({before.uidvalidity, rewound.uidvalidity, again.uidvalidity}) == 3
    assert {server_uidvalidity(cursor.uidvalidity) for cursor in (before, rewound, again)} == {7}
    assert start_of(advanced(again, 2), uidvalidity=7, filters=Filters()).last_uid == 2


def test_a_generation_is_kept_when_the_filters_change_and_ends_when_the_folder_is_rebuilt() -> None:
    later = Cursor(uidvalidity=7 + 2 * GENERATION, last_uid=4, filters=filters_fingerprint(Filters()))

    assert start_of(later, uidvalidity=7, filters=Filters(max_age_days=3)).uidvalidity == later.uidvalidity
    assert start_of(later, uidvalidity=8, filters=Filters()).uidvalidity == 8


@pytest.mark.parametrize("uidnext", [None, 10, 11, 2**32 - 1])
def test_a_folder_that_only_grows_is_not_taken_for_rewound(uidnext: int | None) -> None:
    before = Cursor(uidvalidity=7, last_uid=9, filters=filters_fingerprint(Filters()))

    assert not is_rewound(before, uidnext)
    assert is_rewound(before, 9)
    assert start_of(before, uidvalidity=7, filters=Filters()) == before


def test_the_latest_email_is_the_landmark_until_the_folder_was_rewound() -> None:
    first, second = (Landmark(uid=uid, received_at=datetime(2026, 7, 17, uid, tzinfo=UTC)) for uid in (3, 5))
    cursor = advanced(start_of(None, uidvalidity=7, filters=Filters()), 5, second)
    cursor = advanced(advanced(cursor, 6, first), 7)

    assert cursor.landmark == second
    rewound = start_of(cursor, uidvalidity=7, filters=Filters(), rewound=True)
    assert (rewound.last_uid, rewound.landmark) == (0, None)
    assert rewound.uidvalidity > cursor.uidvalidity


def test_a_cursor_of_an_earlier_release_has_no_landmark_and_is_read() -> None:
    assert Cursor.model_validate_json('{"uidvalidity": 7, "last_uid": 9, "filters": "x"}').landmark is None
