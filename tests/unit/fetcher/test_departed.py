"""A mail that left a folder is recognised when it comes back, and no other is taken for it."""

from datetime import UTC, datetime

from fetcher.departed import Departed

DATE = datetime(2026, 7, 17, tzinfo=UTC)
NAMED = b"Message-ID: <1@b.example>\r\n\r\nwords\r\n"
NAMELESS = b"Subject: report\r\n\r\nwords\r\n"


def moved(body: bytes, *, times: int) -> Departed:
    """What is known after a mail came and went so often."""
    departed = Departed()
    for uid in range(1, times + 1):
        departed.came(("INBOX", 7, uid), body, DATE)
        departed.left("INBOX", 7, [uid])
    return departed


def test_a_mail_that_was_moved_away_and_comes_under_another_uid_is_recognised() -> None:
    departed = moved(NAMED, times=1)

    assert departed.came(("INBOX", 7, 2), NAMED, DATE)
    assert departed.returned_to == {"INBOX"}


def test_another_mail_another_date_and_another_folder_are_not_taken_for_it() -> None:
    departed = moved(NAMED, times=1)

    assert not departed.came(("INBOX", 7, 2), NAMED.replace(b"words", b"other"), DATE)
    assert not departed.came(("INBOX", 7, 3), NAMED, DATE.replace(day=18))
    assert not departed.came(("Other", 7, 4), NAMED, DATE)
    assert departed.returned_to == set()


def test_the_same_mail_read_again_where_it_is_has_not_come_back() -> None:
    assert not moved(NAMED, times=1).came(("INBOX", 7, 1), NAMED, DATE)


def test_mails_without_an_id_may_be_alike_and_are_recognised_after_some_times() -> None:
    assert not moved(NAMELESS, times=2).came(("INBOX", 7, 9), NAMELESS, DATE)
    assert moved(NAMELESS, times=3).came(("INBOX", 7, 9), NAMELESS, DATE)
