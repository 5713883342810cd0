"""What waits is claimed, sent and settled, by one at a time, within the channel's limit."""

from datetime import UTC, datetime, timedelta
from typing import Any

from notifier import deliveries
from notifier.deliveries import LEASE
from notifier.delivery import Outcome
from pipeline.postgres.connection import Database
from tests.support.fixtures_postgres import values
from tests.support.notifying import mail_sink, put_channel

NOW = datetime.now(UTC)
SENT = Outcome(True, "200 OK")
FAILED = Outcome(False, "500")
INSERT = """
INSERT INTO notify_delivery (channel_id, kind, key, payload, due_at)
SELECT $1, $2, $2 || '.' || n, '{}', $4 FROM generate_series(1, $3::integer) AS n
"""
STATES = "SELECT DISTINCT state FROM notify_delivery"


async def put(postgres: Database, channel: str, kind: str, number: int) -> None:
    async with postgres.connection() as connection:
        await connection.execute(INSERT, channel, kind, number, NOW)


async def webhook(postgres: Database, **settings: Any) -> None:
    await put_channel(postgres, "hook", url="https://hooks.example.com/x", **settings)


async def people(postgres: Database, **settings: Any) -> None:
    with mail_sink() as sink:
        await put_channel(postgres, "people", **sink.settings, **settings)


async def test_a_webhook_gets_each_alone_and_people_get_alerts_together(postgres: Database) -> None:
    await webhook(postgres)
    await people(postgres)
    for channel in ("hook", "people"):
        await put(postgres, channel, "alert", 3)

    sizes = []
    while sending := await deliveries.claim(postgres, NOW):
        sizes.append((sending.channel.id, len(sending.ids)))

    assert sorted(sizes) == [("hook", 1)] * 3 + [("people", 3)]


async def test_nobody_else_gets_what_is_being_sent_until_its_lease_ends(postgres: Database) -> None:
    await people(postgres)
    await put(postgres, "people", "alert", 3)
    first = await deliveries.claim(postgres, NOW)
    await put_more(postgres)

    meanwhile = await deliveries.claim(postgres, NOW + LEASE / 2)
    again = await deliveries.claim(postgres, NOW + LEASE + timedelta(seconds=1))

    assert first is not None
    assert again is not None
    assert meanwhile is not None
    assert not set(first.ids) & set(meanwhile.ids)
    assert (again.ids, again.key, again.payloads) == (first.ids, first.key, first.payloads)
    assert again.attempts == 2


async def put_more(postgres: Database) -> None:
    insert = "INSERT INTO notify_delivery (channel_id, kind, key, due_at) VALUES ('people', 'alert', 'later', $1)"
    async with postgres.connection() as connection:
        await connection.execute(insert, NOW)


async def test_who_comes_back_after_its_lease_settles_nothing(postgres: Database) -> None:
    await webhook(postgres)
    await put(postgres, "hook", "alert", 1)
    slow = await deliveries.claim(postgres, NOW)
    quick = await deliveries.claim(postgres, NOW + 2 * LEASE)
    assert slow is not None
    assert quick is not None

    assert not await deliveries.settle(postgres, slow, FAILED, NOW + 2 * LEASE)
    assert await deliveries.settle(postgres, quick, SENT, NOW + 2 * LEASE)

    assert await values(postgres, STATES) == ["sent"]


async def test_a_channel_gets_no_more_than_its_limit_an_hour_and_the_rest_later(postgres: Database) -> None:
    await webhook(postgres, max_per_hour=2)
    await put(postgres, "hook", "alert", 5)

    sent = []
    for minutes in range(0, 180, 10):
        at = NOW + timedelta(minutes=minutes)
        while sending := await deliveries.claim(postgres, at):
            await deliveries.settle(postgres, sending, SENT, at)
            sent.append(minutes)

    assert sent == [0, 0, 60, 60, 120]


async def test_failed_attempts_count_toward_the_limit(postgres: Database) -> None:
    await webhook(postgres, max_per_hour=3)
    await put(postgres, "hook", "alert", 1)

    tried = 0
    for seconds in range(0, 3000, 10):
        at = NOW + timedelta(seconds=seconds)
        if sending := await deliveries.claim(postgres, at):
            await deliveries.settle(postgres, sending, FAILED, at)
            tried += 1

    assert tried == 3


async def test_after_a_day_of_failures_it_is_dead_and_can_be_retried_by_a_person(postgres: Database) -> None:
    await webhook(postgres)
    await put(postgres, "hook", "report", 1)

    at, tried = NOW, 0
    while at < NOW + timedelta(days=2):
        if sending := await deliveries.claim(postgres, at):
            await deliveries.settle(postgres, sending, FAILED, at)
            tried += 1
        at += timedelta(minutes=1)

    assert await values(postgres, STATES) == ["dead"]
    assert 20 < tried < 40

    retry = "UPDATE notify_delivery SET state = 'waiting', due_at = $1, first_at = NULL, batch = NULL"
    async with postgres.connection() as connection:
        await connection.execute(retry, at)
    again = await deliveries.claim(postgres, at)
    assert again is not None
    assert again.first_at == at


async def test_nothing_is_sent_to_a_channel_that_is_switched_off(postgres: Database) -> None:
    await webhook(postgres, enabled=False)
    await put(postgres, "hook", "alert", 1)

    assert await deliveries.claim(postgres, NOW) is None


async def test_whatever_another_side_says_can_be_written_down(postgres: Database) -> None:
    await webhook(postgres)
    await put(postgres, "hook", "alert", 1)
    sending = await deliveries.claim(postgres, NOW)
    assert sending is not None

    assert await deliveries.settle(postgres, sending, Outcome(False, "500 a\0b\x1b[31m\ud800" + "c" * 9000), NOW)

    (detail,) = await values(postgres, "SELECT detail FROM notify_delivery")
    assert str(detail).startswith("500 a b [31m c")
    assert len(str(detail)) == 500
