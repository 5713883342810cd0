"""How a mailbox is doing now, as a fetcher told it on the bus: in the API and on the pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.contracts.status import MailboxStatus, Progress, State
from pipeline.jetstream.statuses import StatusBucket
from pipeline.settings import Settings
from tests.support.config_api import Api, api_settings, eventually, running_api
from tests.support.services import ADMIN_TOKEN

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=3)
FIRST_SYNC = MailboxStatus(
    mailbox_id="main",
    state=State.POLLING,
    since=NOW,
    last_poll_at=NOW,
    behind=2400,
    progress=Progress(started_at=NOW - timedelta(seconds=60), at=NOW, seen=3600, done=1200),
)
LATE = MailboxStatus(
    mailbox_id="main",
    state=State.BACKING_OFF,
    since=NOW,
    last_success_at=LONG_AGO,
    next_poll_at=NOW + timedelta(hours=5, minutes=30),
    category="connectivity",
    detail="imap.example.com refuses connections",
)


def test_what_the_fetcher_told_is_shown_with_its_mailbox(api: Api) -> None:
    api.add_mailbox(id="main")
    api.add_mailbox(id="other")
    _tell(api, FIRST_SYNC)

    live = _listed(api)["main"]
    assert (live["word"], live["behind"], live["next_poll_at"], live["overdue"]) == ("polling", 2400, None, False)
    progress = live["progress"]
    assert {name: progress[name] for name in ("seen", "done", "per_second", "seconds_left")} == {
        "seen": 3600, "done": 1200, "per_second": 20.0, "seconds_left": 120,
    }  # fmt: skip
    assert _listed(api)["other"] is None
    assert _one(api) == live


def test_a_mailbox_that_went_well_long_ago_is_overdue_but_not_while_it_is_paused(api: Api) -> None:
    api.add_mailbox(id="main")
    _tell(api, LATE)

    live = _one(api)
    assert (live["word"], live["overdue"], live["category"]) == ("backing_off", True, "connectivity")
    assert datetime.fromisoformat(live["next_poll_at"]) == LATE.next_poll_at
    paused = api("POST", "/mailboxes/main/pause").json["state"]["live"]  # type: ignore[index]
    assert (paused["word"], paused["overdue"], paused["next_poll_at"]) == ("paused", False, None)


def test_without_the_bus_the_mailboxes_are_shown_without_what_goes_on_in_them(
    settings: Settings, migrated_url: str
) -> None:
    with running_api(settings) as api:
        api.add_mailbox(id="main")
        _tell(api, LATE)
        assert _listed(api)["main"] is not None
    with running_api(api_settings(nats_url="nats://127.0.0.1:9", database_url=migrated_url), ready=False) as api:
        eventually(lambda: api("GET", "/mailboxes").status_code == 200)
        assert _listed(api) == {"main": None}
        assert _one(api) is None
        assert "no fetcher has told" in _page(api, "/settings/mailboxes/main")


def test_a_status_that_cannot_be_read_is_passed_over(api: Api) -> None:
    api.add_mailbox(id="main")
    api.backend.run(_put_bytes(api, b"{"))
    assert _listed(api) == {"main": None}
    assert _one(api) is None


@pytest.mark.parametrize("path", ["", "/main", "/main/activity"])
@pytest.mark.parametrize(
    ("told", "shown"),
    [(FIRST_SYNC, ("Fetching now", "1,200 of 3,600 emails, 20.0 a second, 2 min 0 s left", "2,400 emails")),
     (LATE, ('<span class="badge badge-bad">Overdue</span>', "in 5 h", "Server not reached: imap.example.com"))],
    ids=["first-sync", "late"],
)  # fmt: skip
def test_the_pages_of_a_mailbox_say_it_in_words(api: Api, path: str, told: MailboxStatus, shown: tuple[str]) -> None:
    api.add_mailbox(id="main")
    _tell(api, told)
    page = _page(api, f"/settings/mailboxes{path}")
    assert [words for words in shown if words not in page] == []


def _tell(api: Api, status: MailboxStatus) -> None:
    api.backend.run(StatusBucket(api.backend.bus.js).put(status))


async def _put_bytes(api: Api, value: bytes) -> None:
    bucket = await api.backend.bus.js.key_value("status")
    await bucket.put("main", value)


def _listed(api: Api) -> dict[str, Any]:
    items = api("GET", "/mailboxes").json["items"]  # type: ignore[index]
    return {item["id"]: item["state"]["live"] for item in items}


def _one(api: Api) -> Any:
    return api("GET", "/mailboxes/main").json["state"]["live"]  # type: ignore[index]


def _page(api: Api, path: str) -> str:
    browser = api.browser()
    token = browser.get("/sign-in").text.split('name="csrf_token" value="')[1].split('"')[0]
    browser.post("/sign-in", data={"csrf_token": token, "secret": ADMIN_TOKEN})
    return browser.get(path).text
