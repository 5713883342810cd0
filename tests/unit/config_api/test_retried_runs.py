"""The activity log calls an automatic retry what it is."""

from datetime import UTC, datetime, timedelta

from config_api.activity.page import retries
from config_api.activity.queries import FetchRun

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _run(number: int, category: str, *, trigger: str = "poll", folder: str = "INBOX") -> FetchRun:
    at = NOON + timedelta(minutes=number)
    return FetchRun(
        run_id=str(number), mailbox_id="m", folder=folder, trigger=trigger, started_at=at, finished_at=at, seen=0,
        filtered=0, fetched=0, fetched_bytes=0, category=category, detail="",
    )  # fmt: skip


def test_a_run_after_a_failed_one_of_the_same_folder_is_a_retry_unless_somebody_asked_for_it() -> None:
    runs = [
        _run(1, "ok"),
        _run(2, "connectivity"),
        _run(3, "ok", folder="Other"),
        _run(4, "connectivity"),
        _run(5, "connectivity", trigger="manual"),
        _run(6, "ok"),
        _run(7, "ok"),
    ]
    assert retries(list(reversed(runs))) == {"4", "6"}
