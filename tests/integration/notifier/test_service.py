"""The notifier as a process: what it takes from the bus, what it answers, what it costs."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.contracts.events import ReportStored
from pipeline.contracts.report import ReportKind
from pipeline.contracts.topology import NOTIFY_TEST_SUBJECT
from pipeline.contracts.wire import Envelope
from pipeline.jetstream.requests import request
from pipeline.notifications.channels import ChannelTest, ChannelTested
from pipeline.postgres.connection import Database
from tests.support.client import bus
from tests.support.fixtures_postgres import values
from tests.support.notifying import MailSink, Receiver, eventually, put_channel
from tests.support.services import Services, services

MEMORY_MB = 50


@pytest.fixture
def started(nats_url: str, migrated_url: str, tmp_path: Path) -> Iterator[Services]:
    with services(nats_url=nats_url, database_url=migrated_url, logs=tmp_path) as opened:
        yield opened


async def start(started: Services, **environment: str) -> int:
    given = {"DMARQ_NOTIFY_PRIVATE_ADDRESSES": "true", **environment}
    child = await asyncio.to_thread(started.start, "notifier", environment=given)
    return child.pid


def report(number: int, **more: object) -> Envelope:
    event = ReportStored(
        id=number, mail_id="a1" * 16, mailbox_id="reports", kind=ReportKind.AGGREGATE, org_name="google.com",
        report_id=f"r{number}", domain="example.com", begin=1, end=2, fingerprint="f", records=1, messages=2,
        stored_at=datetime.now(UTC), rows=({"source_ip": "192.0.2.1"},), link=f"http://x/api/v1/reports/{number}",
    )  # fmt: skip
    return Envelope(event.model_copy(update=more))


async def test_a_webhook_that_wants_reports_gets_each_once(
    started: Services, postgres: Database, receiver: Receiver, nats_url: str
) -> None:
    await put_channel(postgres, "hook", url=receiver.url, reports=True, max_per_hour=1000, domains=["example.com"])
    await put_channel(postgres, "other", url=receiver.url)
    await start(started)
    old = datetime.now(UTC) - timedelta(days=1)
    async with bus(nats_url) as opened:
        wanted = [report(number) for number in range(1, 21)]
        unwanted = [report(21, domain="example.org"), report(22, stored_at=old)]
        await opened.publish([*wanted, *unwanted, *wanted])

        await eventually(lambda: len(receiver.posts) == 20)
    await asyncio.sleep(0.5)

    assert sorted(post.json["report"]["id"] for post in receiver.posts) == list(range(1, 21))
    assert {post.json["type"] for post in receiver.posts} == {"report"}
    assert all("rows" not in post.json["report"] for post in receiver.posts)
    for post in receiver.posts:
        assert post.headers["traceparent"].split("-")[1] == post.json["report"]["mail_id"]


async def test_a_test_is_a_request_over_the_bus_and_is_sent_at_once(
    started: Services, postgres: Database, receiver: Receiver, nats_url: str
) -> None:
    await put_channel(postgres, "hook", url=receiver.url)
    await start(started)

    assert (await ask(nats_url, "hook")).success
    assert (await ask(nats_url, "nowhere")) == ChannelTested(success=False, detail="there is no such channel")
    assert [post.json["type"] for post in receiver.posts] == ["test"]


async def test_in_a_dry_run_nothing_is_sent_not_even_a_test(
    started: Services, postgres: Database, receiver: Receiver, sink: MailSink, nats_url: str
) -> None:
    await put_channel(postgres, "hook", url=receiver.url, reports=True, digest="daily")
    await put_channel(postgres, "people", **{**sink.settings, "digest": "weekly"})
    await start(started, DMARQ_NOTIFY_DRY_RUN="true")
    async with bus(nats_url) as opened:
        await opened.publish([report(1)])
    dropped = "SELECT count(*) FROM notify_delivery WHERE state = 'dropped' AND detail = 'dry run'"

    await eventually(lambda: _is(postgres, dropped, 3))

    assert "DRY_RUN" in (await ask(nats_url, "hook")).detail
    assert (receiver.posts, sink.mails) == ([], [])


async def test_a_mailbox_that_refuses_the_sign_in_is_told_of_and_its_recovery_too(
    started: Services, postgres: Database, receiver: Receiver
) -> None:
    await put_channel(postgres, "hook", url=receiver.url)
    async with postgres.connection() as connection:
        await connection.execute(
            "INSERT INTO mailbox (id, version, settings, secret) VALUES ('reports', 1, $1, '')", {"name": "Reports"}
        )
        await connection.execute(RUN, "run-1", "authentication")
    await start(started)

    await eventually(lambda: len(receiver.posts) == 1)

    alert = receiver.posts[0].json["alert"]
    assert alert["title"] == "Mailbox Reports refuses the sign-in"
    assert alert["urgency"] == "critical"
    assert alert["link"].endswith("/settings/mailboxes/reports")


async def test_it_costs_at_most_50_mb_of_its_own(started: Services, postgres: Database, receiver: Receiver) -> None:
    await put_channel(postgres, "hook", url=receiver.url, digest="daily")
    pid = await start(started)
    await eventually(lambda: len(receiver.posts) == 1)

    memory = own_memory(pid)
    print(f"the notifier takes {memory:.1f} MB of its own")
    assert memory <= MEMORY_MB


RUN = """
INSERT INTO fetch_run (run_id, mailbox_id, folder, trigger, started_at, finished_at, seen, filtered, fetched,
    fetched_bytes, category)
VALUES ($1, 'reports', 'INBOX', 'poll', now(), now(), 0, 0, 0, 0, $2)
"""


async def ask(nats_url: str, channel_id: str) -> ChannelTested:
    async with bus(nats_url, ensured=False) as opened:
        wanted = ChannelTest(channel_id=channel_id).model_dump_json().encode()
        return ChannelTested.model_validate_json(await request(opened.client, NOTIFY_TEST_SUBJECT, wanted, timeout=20))


def own_memory(pid: int) -> float:
    """What would be free without the process, in MB: what it shares with others is not counted."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_")) / 1024


async def _is(postgres: Database, query: str, wanted: int) -> bool:
    return bool(await values(postgres, query) == [wanted])
