"""kill -9 of the real service at each step: everything arrives, and every repeat says that it is one."""

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from notifier.courier import AT_ONCE
from pipeline.postgres.connection import Database
from tests.support.fixtures_postgres import values
from tests.support.notifying import MailSink, Post, Receiver, eventually, put_channel
from tests.support.services import Services, services

REASONS = ("not_well_formed", "encrypted", "corrupt_container")
MAIL = """
INSERT INTO mail (mail_id, mailbox_id, folder, uidvalidity, uid, size, fetched_at, stored_at, settings_version, outcome,
    reason, action, action_state)
SELECT gen_random_uuid(), 'reports', 'INBOX', 1, n, 100, now(), now(), 1, 'failed', ($1::text[])[1 + n % $2],
    'none', 'none'
FROM generate_series(1, 300) AS n
"""
SENT = "SELECT count(*) FROM notify_delivery WHERE state = 'sent'"
LEASES_END = "UPDATE notify_delivery SET lease_until = now() - interval '1 second' WHERE state = 'sending'"
MANY, KILLS = 200, 5
ENVIRONMENT = {"DMARQ_NOTIFY_PRIVATE_ADDRESSES": "true"}


@pytest.fixture
def started(nats_url: str, migrated_url: str, tmp_path: Path) -> Iterator[Services]:
    with services(nats_url=nats_url, database_url=migrated_url, logs=tmp_path) as opened:
        yield opened


async def fail_mails(postgres: Database) -> None:
    """300 mails that failed for three reasons: three alerts."""
    async with postgres.connection() as connection:
        await connection.execute(MAIL, list(REASONS), len(REASONS))


async def start(started: Services, name: str) -> int:
    child = await asyncio.to_thread(started.start, "notifier", name=name, environment=ENVIRONMENT)
    return child.pid


async def leases_end(postgres: Database) -> None:
    async with postgres.connection() as connection:
        await connection.execute(LEASES_END)


async def is_sent(postgres: Database, number: int) -> bool:
    return bool(await values(postgres, SENT) == [number])


async def has_come(receiver: Receiver, number: int) -> None:
    await eventually(lambda: len(receiver.posts) >= number, within=60)


@pytest.mark.parametrize("step", ["before the receiver answers", "after it has answered"])
async def test_killed_while_it_sends(started: Services, postgres: Database, receiver: Receiver, step: str) -> None:
    await put_channel(postgres, "hook", url=receiver.url)
    pids = [await start(started, "life-0")]
    lives = 3

    async def killing(post: Post) -> web.Response:
        response = web.Response()
        if len(pids) <= lives and receiver.keys.count(post.headers["webhook-id"]) <= lives:
            if step == "after it has answered":
                asyncio.get_running_loop().call_later(0.002, _kill, pids[-1])
                return response
            _kill(pids[-1])
        return response

    receiver.answer = killing
    await fail_mails(postgres)
    for life in range(1, lives + 1):
        await eventually(lambda: not _runs(pids[-1]), within=90)
        await leases_end(postgres)
        pids.append(await start(started, f"life-{life}"))
        if life == lives:
            receiver.answer = None
    await leases_end(postgres)

    await eventually(lambda: is_sent(postgres, 3))
    assert len(set(receiver.keys)) == 3
    assert await values(postgres, "SELECT count(*) FROM notify_alert") == [3]


async def test_killed_again_and_again_it_sends_people_one_mail_of_one_id(
    started: Services, postgres: Database, sink: MailSink
) -> None:
    await put_channel(postgres, "people", **sink.settings)
    await fail_mails(postgres)
    for life in range(4):
        pid = await start(started, f"life-{life}")
        await asyncio.sleep(0.15 * life)
        _kill(pid)
        await leases_end(postgres)
    await start(started, "last")

    await eventually(lambda: is_sent(postgres, 3))
    assert len({mail["Message-ID"] for mail in sink.mails}) == 1
    assert len({mail.as_bytes() for mail in sink.mails}) == 1
    assert "3 alerts" in sink.mails[0]["Subject"]


async def test_a_digest_is_sent_once_however_often_it_dies(
    started: Services, postgres: Database, sink: MailSink
) -> None:
    await put_channel(postgres, "people", **{**sink.settings, "digest": "daily"})
    for life in range(3):
        pid = await start(started, f"life-{life}")
        await eventually(lambda: values(postgres, "SELECT 1 FROM notify_delivery"))
        _kill(pid)
        await leases_end(postgres)
    await start(started, "last")

    await eventually(lambda: is_sent(postgres, 1))
    assert len({mail["Message-ID"] for mail in sink.mails}) == 1
    assert "Daily digest: no reports" in sink.mails[0]["Subject"]
    assert datetime.now(UTC).year == sink.mails[0]["Date"].datetime.year


async def test_two_notifiers_send_each_alert_once(started: Services, postgres: Database, receiver: Receiver) -> None:
    await put_channel(postgres, "hook", url=receiver.url)
    for name in ("one", "other"):
        await start(started, name)
    await fail_mails(postgres)

    await eventually(lambda: is_sent(postgres, 3), within=90)
    assert sorted(receiver.keys) == sorted(set(receiver.keys))
    assert len(receiver.keys) == 3


async def test_killed_while_many_wait_nothing_is_lost(
    started: Services, postgres: Database, receiver: Receiver
) -> None:
    await put_channel(postgres, "hook", url=receiver.url, max_per_hour=10_000)
    insert = """
        INSERT INTO notify_delivery (channel_id, kind, key, payload, due_at)
        SELECT 'hook', 'report', 'report.' || n, '{}', now() FROM generate_series(1, $1::integer) AS n
    """
    async with postgres.connection() as connection:
        await connection.execute(insert, MANY)
    for life in range(KILLS):
        pid = await start(started, f"life-{life}")
        await has_come(receiver, len(receiver.posts) + MANY // (2 * KILLS))
        _kill(pid)
        await leases_end(postgres)
    await start(started, "last")

    await eventually(lambda: is_sent(postgres, MANY), within=90)
    assert len(set(receiver.keys)) == MANY
    assert len(receiver.keys) - MANY <= KILLS * AT_ONCE  # no more than was in hand each time, under its key


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
