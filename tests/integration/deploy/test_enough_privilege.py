"""The whole pipeline, each service with its own NATS user and PostgreSQL role: they allow what it does."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import asyncpg
import httpx
import pytest

from dmarq.demo.audit import MAILBOX_ID, demo_mailboxes
from dmarq.embedded import EmbeddedMailbox, temporary_data_dir
from dmarq.samples import make_mails, total
from pipeline.contracts.topology import COMMAND, CURSOR_BUCKET, INLINE_CARGO_BYTES, STATUS_BUCKET, actor
from tests.support.deployment import GuardedNats, Secrets, client_of, service_urls
from tests.support.services import ADMIN_TOKEN, Services, services

MAILS, SEED, UNTIL = 60, 3, date(2026, 11, 1)
TIMEOUT_S = 60
LOOKUPS = {"DMARQ_DNS_HOURS": "24", "DMARQ_HOST_NAMES": "true", "DMARQ_DNS_SERVER": "127.0.0.1:9"}  # nobody answers
LARGE_MAIL = b"Subject: larger than what travels inline\r\n\r\n" + b"x" * 70 + b"\r\n" + b" " * INLINE_CARGO_BYTES


@pytest.fixture
def running(
    secrets: Secrets, guarded: GuardedNats, superuser_url: str, upgraded: dict[str, str], tmp_path: Path
) -> Iterator[tuple[Services, httpx.Client]]:
    with (
        temporary_data_dir() as data,
        EmbeddedMailbox(data, mails=MAILS, seed=SEED, until=UNTIL) as mailbox,
        services(nats_url="", database_url="", logs=tmp_path) as started,
    ):
        for name in ("parser", "extractor", "fetcher", "config-api", "notifier"):
            urls = service_urls(name, secrets, guarded, superuser_url)
            mailboxes = {"DMARQ_MAILBOXES": demo_mailboxes(mailbox)} if name == "config-api" else {}
            started.start(name, environment={**upgraded, **urls, **mailboxes, **LOOKUPS})
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        with httpx.Client(base_url=f"http://{started.http_address}/api/v1", headers=headers, timeout=30) as api:
            yield started, api


def test_the_pipeline_lacks_no_permission(
    running: tuple[Services, httpx.Client], secrets: Secrets, guarded: GuardedNats, superuser_url: str
) -> None:
    started, api = running
    refused_before = len(guarded.refusals)  # to the other tests
    expected = total(make_mails(MAILS, SEED, until=UNTIL))
    _until(
        lambda: _number(superuser_url, "SELECT count(*) FROM mail WHERE action_state <> 'pending'") == expected.mails
    )
    assert _number(superuser_url, "SELECT count(*) FROM report") == expected.reports

    for action in ("test", "fetch", "backfill"):
        assert api.post(f"/mailboxes/{MAILBOX_ID}/{action}", json={}).is_success, action
    (letter,) = _letters(api)
    assert api.get(f"/dead-letters/{letter}").is_success
    assert api.post(f"/dead-letters/{letter}/retry").is_success
    _until(lambda: [again for again in _letters(api) if again > letter] != [])
    assert api.delete(f"/dead-letters/{_letters(api)[0]}").is_success
    assert _letters(api) == []
    for path in ("/mailboxes", "/mails", "/reports", "/summary", "/activity", "/logs"):
        assert api.get(path).is_success, path
    (mailbox,) = api.get("/mailboxes").json()["items"]
    assert mailbox["state"]["live"]["last_success_at"] is not None

    job = api.post("/reparse", json={}).raise_for_status().json()["id"]
    _until(lambda: api.get(f"/reparse/{job}").raise_for_status().json()["finished_at"] is not None)

    imported = api.post("/imports?name=large.eml", content=LARGE_MAIL).raise_for_status().json()["mail_id"]
    _until(lambda: api.get(f"/mails/{imported}").is_success)
    hook = {"name": "hook", "kind": "webhook", "url": "http://127.0.0.1:9/", "reports": True, "digest": "daily"}
    sent_twice = [
        api.post("/notifications/channels", json=hook, headers={"Idempotency-Key": "hook"}).raise_for_status().json()
        for _ in range(2)
    ]
    assert sent_twice[0] == sent_twice[1]
    assert "private" in api.post("/notifications/channels/hook/test").raise_for_status().json()["detail"]
    assert api.patch("/notifications/channels/hook", json={"max_per_hour": 5}).is_success
    assert api.patch("/notifications/rules/dead_letters", json={"threshold": 2}).is_success
    mute = api.post("/notifications/mutes", json={"subject": "example.com"}).raise_for_status().json()["id"]
    assert api.delete(f"/notifications/mutes/{mute}").is_success
    _until(lambda: api.get("/notifications/deliveries?state=dead").raise_for_status().json()["items"] != [])
    (given_up, *_) = api.get("/notifications/deliveries?state=dead").json()["items"]
    assert api.post(f"/notifications/deliveries/{given_up['id']}/retry").is_success
    assert api.get("/notifications/alerts").is_success
    assert api.delete("/notifications/channels/hook").is_success

    any_version = {"If-Match": "*"}
    assert api.patch(f"/mailboxes/{MAILBOX_ID}", json={"folder": "Other"}, headers=any_version).is_success
    assert api.delete(f"/mailboxes/{MAILBOX_ID}", headers=any_version).is_success
    _until(lambda: asyncio.run(_kept_for_mailbox(secrets, guarded)) == [])

    domain = api.get("/domains").raise_for_status().json()["items"][0]["domain"]
    assert api.post(f"/domains/{domain}/dns").raise_for_status().json()["problem"]
    _until(lambda: _number(superuser_url, "SELECT count(*) FROM domain_dns_asked WHERE problem LIKE 'DNS%'") > 1)
    _until(lambda: _number(superuser_url, "SELECT count(*) FROM source WHERE host_at IS NOT NULL") > 0)

    assert guarded.refusals[refused_before:] == []
    logs = "".join(path.read_text() for path in started.logs.glob("*.log"))
    assert "permission denied" not in logs
    assert "InsufficientPrivilege" not in logs


async def _kept_for_mailbox(secrets: Secrets, guarded: GuardedNats) -> list[str]:
    """What the broker still keeps for the mailbox, as the operator sees it."""
    async with client_of("operator", secrets, guarded, inbox="_INBOX") as client:
        js = client.jetstream()
        found = [info.name for info in await js.consumers_info(COMMAND.name) if info.name == actor(MAILBOX_ID).name]
        for bucket in (CURSOR_BUCKET.name, STATUS_BUCKET.name):
            state = (await js.stream_info(f"KV_{bucket}", subjects_filter=f"$KV.{bucket}.>")).state
            found += [subject for subject in state.subjects or {} if subject.split(".")[2] == MAILBOX_ID]
    return found


def _letters(api: httpx.Client) -> list[int]:
    return [letter["id"] for letter in api.get("/dead-letters").raise_for_status().json()["items"]]


def _number(url: str, query: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    return asyncio.run(ask())


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.3)
