"""What the status of a mailbox says at the time of reading."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.contracts.status import MailboxStatus, Progress, State, overdue

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def status(**changes: object) -> MailboxStatus:
    facts = {"mailbox_id": "a", "state": State.IDLE, "since": ago(0), **changes}
    return MailboxStatus.model_validate(facts)


@pytest.mark.parametrize(
    ("changes", "late"),
    [
        ({"last_success_at": ago(0)}, False),
        ({"last_success_at": ago(7319)}, False),
        ({"last_success_at": ago(7321)}, True),
        ({"last_success_at": None, "held_since": ago(7321)}, True),
        ({"last_success_at": None, "held_since": ago(60)}, False),
        ({"last_success_at": None, "held_since": None, "since": ago(7321)}, True),
        ({"last_success_at": ago(7321), "held_since": ago(1)}, True),
    ],
)
def test_a_mailbox_is_overdue_after_two_intervals_and_two_minutes(changes: dict[str, object], *, late: bool) -> None:
    assert overdue(status(**changes), interval_s=3600, now=NOW) is late


@pytest.mark.parametrize(("at", "late"), [(ago(30), False), (ago(200), True)])
def test_a_first_sync_that_goes_on_is_not_overdue(at: datetime, *, late: bool) -> None:
    progress = Progress(started_at=ago(90_000), at=at, seen=200_000, done=150_000)

    assert overdue(status(held_since=ago(90_000), progress=progress), interval_s=60, now=NOW) is late


def test_progress_tells_the_rate_and_the_time_left() -> None:
    progress = Progress(started_at=ago(100), at=NOW, seen=1000, done=200)

    assert (progress.per_second, progress.seconds_left) == (2.0, 400.0)
    assert Progress(started_at=NOW, at=NOW, seen=1000, done=0).seconds_left is None


def test_a_status_is_read_from_a_newer_version_of_itself() -> None:
    newer = '{"mailbox_id": "a", "state": "idle", "since": "2026-01-01T00:00:00Z", "mood": "good"}'

    assert MailboxStatus.model_validate_json(newer).state is State.IDLE
