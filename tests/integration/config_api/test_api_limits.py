"""How often the API answers one token, and how much a list counts."""

import re
from pathlib import Path

import pytest

from config_api.web.api.rate_limit import EXTENSION, WINDOW, RateLimit
from config_api.web.paging import MAX_COUNTED
from dmarq.client import Client
from pipeline.settings import Settings
from tests.integration.config_api.test_dead_letters import _fetched, _put_dead_letters
from tests.integration.config_api.test_idempotency import rows
from tests.support.config_api import Api, api_settings, served
from tests.support.extracted import extracted
from tests.support.reports import report_xml
from tests.support.services import ADMIN_TOKEN
from tests.support.signing_in import made_token, signed_in
from tests.support.stored import store

QUOTA = 30


@pytest.fixture
def settings(nats_url: str, migrated_url: str) -> Settings:
    return api_settings(nats_url=nats_url, database_url=migrated_url, api_rate=QUOTA)


def test_an_answer_says_what_is_left(api: Api) -> None:
    answers = [api("GET", "/mailboxes") for _ in range(3)]

    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {f'"api";q={QUOTA};w={WINDOW}'}
    told = [re.fullmatch(r'"api";r=(\d+);t=(\d+)', answer.headers["RateLimit"]) for answer in answers]
    assert [int(each[1]) for each in told if each] == [QUOTA - 1, QUOTA - 2, QUOTA - 3]
    assert all(0 < int(each[2]) <= WINDOW for each in told if each)


def test_beyond_the_quota_it_is_429_with_the_time_to_come_again(api: Api) -> None:
    other = api.with_token(made_token(api, "read"))
    for _ in range(QUOTA):
        other("GET", "/mailboxes")

    refused = other("GET", "/mailboxes")

    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW
    assert refused.headers["RateLimit"].startswith('"api";r=0;t=')
    assert api("GET", "/mailboxes").status_code == 200, "another token has a quota of its own"


def test_the_command_line_waits_for_the_next_window(api: Api, tmp_path: Path) -> None:
    store(api.backend, extracted(1, report_xml()))
    api.app.extensions[EXTENSION] = RateLimit(3, window=1)
    with served(api) as address, Client(f"http://{address}", ADMIN_TOKEN) as client:
        found = [client.get("/reports")["items"][0]["id"] for _ in range(8)]
        for number, report in enumerate(found):
            assert client.save(f"/reports/{report}/document", tmp_path / str(number))

    assert len(list(tmp_path.iterdir())) == 8


def test_a_refusal_tells_what_is_left_too(api: Api) -> None:
    assert "RateLimit" in api("GET", "/mailboxes/nobody").headers
    assert "RateLimit" in api("POST", "/mailboxes", {"name": 1}).headers


def test_pages_have_no_quota(api: Api) -> None:
    browser = signed_in(api)

    assert {browser.get("/settings/mailboxes").status_code for _ in range(QUOTA + 5)} == {200}


LISTS = (
    "/activity", "/mailboxes/main/activity", "/runs", "/logs?source=settings", "/mails", "/reports",
    "/reports/{report}/records", "/sources", "/changes", "/domains", "/dead-letters", "/notifications/alerts",
    "/notifications/deliveries",
)  # fmt: skip


def test_every_list_counts_what_its_pages_give(api: Api) -> None:
    api.add_mailbox(id="main")
    store(api.backend, *(extracted(n, report_xml().replace("<report_id>", f"<report_id>{n}-")) for n in range(3)))
    _put_dead_letters(api, _fetched(1), _fetched(2))
    report = (api("GET", "/reports?limit=1").json or {})["items"][0]["id"]

    for path in (each.format(report=report) for each in LISTS):
        whole = api("GET", path).json or {}
        page = api("GET", f"{path}{'&' if '?' in path else '?'}limit=1&total=true").json or {}
        assert page["total"] == {"count": len(whole["items"]), "exact": True}, path
        assert whole["total"] is None
    assert (api("GET", "/mails?total=true").json or {})["total"]["count"] == 3


def test_a_list_is_counted_so_far_and_then_says_at_least(api: Api) -> None:
    run = "'r' || n, 'm', 'INBOX', 'poll', now() - n * interval '1 s', now(), 1, 0, 0, 0, 'ok'"
    columns = "run_id, mailbox_id, folder, trigger, started_at, finished_at, seen, filtered, fetched, fetched_bytes"
    columns = f"{columns}, category"
    rows(api, f"INSERT INTO fetch_run ({columns}) SELECT {run} FROM generate_series(1, $1) AS n", MAX_COUNTED + 500)

    total = (api("GET", "/runs?total=true").json or {})["total"]

    assert total["exact"] is False
    assert 50 <= total["count"] <= MAX_COUNTED
