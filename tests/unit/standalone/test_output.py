"""What commands print for people: tables that fit 80 columns, times as they are said, no tricks on the terminal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dmarq.commands import dead, mailbox, notify, status
from dmarq.output import Column, show, when

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LONG = "a-very-long-name-of-something-that-goes-on-and-on-and-on"


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=-42), "42 s ago"),
        (timedelta(minutes=-7, seconds=-30), "7 min ago"),
        (timedelta(hours=3), "in 3 h"),
        (timedelta(days=-5), "5 days ago"),
        (timedelta(days=-90), "2026-01-31"),
        (timedelta(days=90), "2026-07-30"),
    ],
)
def test_a_time_is_told_as_people_say_it(away: timedelta, said: str) -> None:
    assert when(NOW + away, now=NOW) == said


def a_mailbox() -> dict[str, Any]:
    at = "2026-05-01T12:00:00+00:00"
    live = {"next_poll_at": at, "behind": 123_456}
    state = {"word": "error", "last_success_at": at, "live": live, "mails_24h": 12_345, "failed_24h": 1_234}
    return {
        "id": LONG,
        "name": LONG,
        "host": f"imap.{LONG}.example.com",
        "username": f"{LONG}@example.com",
        "folder": "INBOX/DMARC/Reports",
        "weaknesses": ["not_encrypted", "certificate_not_checked"],
        "state": state,
    }


def a_dead_letter() -> dict[str, Any]:
    return {
        "id": 123_456,
        "at": "2026-05-01T12:00:00+00:00",
        "mailbox_id": LONG,
        "reason": "unsupported_compression",
        "detail": "method 97 in a member whose name is long",
        "subject_line": "Report Domain: example.com Submitter: mail.example.net Report-ID: <2026.05.01.1234567890>",
    }


def a_channel() -> dict[str, Any]:
    return {
        "id": "operations",
        "kind": "webhook",
        "destination": "https://hooks.example.com:443",
        "enabled": True,
        "digest": "weekly",
        "last_sent_at": "2026-05-01T12:00:00+00:00",
        "last_error": "the server did not answer within ten seconds",
    }


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        (a_channel(), notify.CHANNELS),
        (a_mailbox(), status.MAILBOXES),
        (a_mailbox(), mailbox.COLUMNS),
        (a_dead_letter(), dead.COLUMNS),
        ({"name": "EXTRACT", "events": 123_456, "fullness": 0.5}, status.STREAMS),
        ({"letters": 1_234, "reason": "unsupported_compression", "reason_text": LONG * 3}, status.DEAD),
    ],
)
def test_a_table_fits_eighty_columns_and_cuts_nothing(
    row: dict[str, Any], columns: tuple[Column, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    show([row], columns, as_json=False, empty="")

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\N{HORIZONTAL ELLIPSIS}" not in "".join(lines)


@pytest.mark.parametrize(
    ("row", "columns", "words"),
    [
        (
            {**a_dead_letter(), "mailbox_id": "reports-example-com", "reason": "truncated_container"},
            dead.COLUMNS,
            ("reports-example-com", "archive", "Submitter:", "mail.example.net"),
        ),
        (a_channel(), notify.CHANNELS, ("operations", "https://hooks.example.com:443", "webhook", "within", "yes")),
    ],
)
def test_no_word_of_a_row_breaks(
    row: dict[str, Any], columns: tuple[Column, ...], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    show([row], columns, as_json=False, empty="")

    said = capsys.readouterr().out.split()
    assert [word for word in words if word not in said] == []


def test_headings_are_words() -> None:
    for column in (*status.MAILBOXES, *status.STREAMS, *status.DEAD, *mailbox.COLUMNS, *dead.COLUMNS):
        assert "_" not in column.heading
        assert "." not in column.heading


def test_what_could_play_tricks_on_a_terminal_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"x": "\x1b[31mred [bold]"}], [Column("X", lambda row: row["x"])], as_json=False, empty="")

    assert "\x1b" not in (said := capsys.readouterr().out)
    assert "?[31mred [bold]" in said
