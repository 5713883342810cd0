import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from pipeline.contracts import topology
from pipeline.contracts.cursor import BackfillCursor, Cursor
from pipeline.contracts.mailbox import Mailbox, MailboxSecrets, MailboxSettings
from pipeline.errors import TryLater
from pipeline.jetstream.buckets import Conflict, Entry, KeyValueBucket
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import nats_errors
from pipeline.jetstream.cursors import Bookmark, CursorBucket
from pipeline.jetstream.leases import LeaseBucket
from pipeline.jetstream.mailboxes import Change, MailboxBucket, seal
from pipeline.jetstream.requests import NobodyAnswers, request, serving
from pipeline.jetstream.typed_bucket import MAX_VALUE_BYTES, Format, Json, Stored, Text, TypedBucket
from pipeline.secrets import Keyring
from tests.support.keys import ONE_KEY, OTHER_KEY, THIRD_KEY
from tests.support.stages import until

KEYS = Keyring(f"{ONE_KEY},{OTHER_KEY}")
MAILBOX = Mailbox(
    id="one",
    version=1,
    settings=MailboxSettings(name="One", host="imap.example.com", username="u"),
    secrets=MailboxSecrets.model_validate({"password": "hunter2 hunter2"}),
)


@pytest.fixture
def bucket(bus: Bus) -> KeyValueBucket:
    return KeyValueBucket(bus.js, topology.MAILBOX_BUCKET)


@pytest.fixture
async def quick_leases(bus: Bus) -> LeaseBucket:
    """Leases that are over after a second."""
    config = (await bus.js.stream_info("KV_lease")).config
    await bus.js.update_stream(replace(config, max_age=1.0, duplicate_window=1.0))
    return LeaseBucket(bus.js)


async def test_a_value_can_be_put_read_and_deleted(bucket: KeyValueBucket) -> None:
    revision = await bucket.put("a", b"1")
    found = await bucket.get("a")
    await bucket.delete("a")
    await bucket.delete("a")

    assert found == Entry("a", b"1", revision)
    assert await bucket.get("a") is None


async def test_an_existing_value_is_not_created_again(bucket: KeyValueBucket) -> None:
    await bucket.create("a", b"1")
    with pytest.raises(Conflict):
        await bucket.create("a", b"2")
    await bucket.delete("a")
    await bucket.create("a", b"3")

    found = await bucket.get("a")
    assert found is not None
    assert found.value == b"3"


async def test_a_change_by_somebody_else_is_a_conflict(bucket: KeyValueBucket) -> None:
    first = await bucket.put("a", b"1")
    second = await bucket.update("a", b"2", revision=first)
    with pytest.raises(Conflict):
        await bucket.update("a", b"3", revision=first)
    with pytest.raises(Conflict):
        await bucket.delete("a", revision=first)
    await bucket.delete("a", revision=second)

    assert await bucket.get("a") is None


async def test_the_entries_are_those_that_exist(bucket: KeyValueBucket) -> None:
    empty = await bucket.entries()
    for number in range(300):  # more than the driver keeps for a slow reader
        await bucket.put(f"k{number}", b"v")
    await bucket.delete("k7")
    found = await bucket.entries()

    assert empty == []
    assert sorted(e.key for e in found) == sorted(f"k{n}" for n in range(300) if n != 7)


async def test_a_short_list_is_whole_each_time(bucket: KeyValueBucket) -> None:
    """However many ask at once: the broker tells the entries and the end of them on two ways."""
    for key in ("a", "b", "c"):
        await bucket.put(key, b"v")
    lists = await asyncio.gather(*(bucket.entries() for _ in range(60)))

    assert {tuple(sorted(entry.key for entry in listed)) for listed in lists} == {("a", "b", "c")}


async def test_deletions_are_known_but_are_no_entries(bucket: KeyValueBucket) -> None:
    await bucket.put("a", b"1")
    await bucket.put("b", b"2")
    await bucket.delete("b")

    assert [entry.key for entry in await bucket.entries()] == ["a"]
    assert {entry.key: entry.value for entry in await bucket.known()} == {"a": b"1", "b": None}


async def test_a_watcher_sees_what_is_there_and_each_change(bucket: KeyValueBucket) -> None:
    await bucket.put("a", b"1")
    seen: list[tuple[str, bytes | None]] = []

    async def watch() -> None:
        async with aclosing(bucket.changes()) as changes:
            async for entry in changes:
                seen.append((entry.key, entry.value))

    watching = asyncio.create_task(watch())
    await until(lambda: len(seen) == 1)
    await bucket.put("b", b"2")
    await bucket.delete("a")
    await until(lambda: len(seen) == 3)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert seen == [("a", b"1"), ("b", b"2"), ("a", None)]


async def test_a_mailbox_comes_back_with_its_secrets_which_are_not_in_the_bucket(bus: Bus) -> None:
    mailboxes = MailboxBucket(bus.js, KEYS)
    await mailboxes.put(seal(MAILBOX, KEYS))
    entry = await KeyValueBucket(bus.js, topology.MAILBOX_BUCKET).get("one")

    assert await mailboxes.all() == [Change("one", MAILBOX)]
    assert entry is not None
    assert entry.value is not None
    assert b"hunter2" not in entry.value


async def test_a_mailbox_that_cannot_be_read_does_not_hide_the_others(
    bus: Bus, bucket: KeyValueBucket, capsys: pytest.CaptureFixture[str]
) -> None:
    mailboxes = MailboxBucket(bus.js, KEYS)
    await mailboxes.put(seal(MAILBOX, KEYS))
    await mailboxes.put(seal(MAILBOX.model_copy(update={"id": "other-key"}), Keyring(THIRD_KEY)))
    await bucket.put("garbage", b'{"settings": {"host": "hunter2"}}')

    assert await mailboxes.all() == [Change("one", MAILBOX), Change("other-key", None), Change("garbage", None)]
    assert "hunter2" not in "".join(capsys.readouterr())


async def test_a_lease_has_one_holder_until_it_is_given_back(bus: Bus) -> None:
    leases = LeaseBucket(bus.js)
    lease = await leases.take("one", holder="a")
    refused = await leases.take("one", holder="b")
    assert lease is not None
    await leases.give_back(lease)
    taken = await leases.take("one", holder="b")

    assert refused is None
    assert taken is not None


async def test_a_lease_that_is_not_renewed_is_taken_over(quick_leases: LeaseBucket) -> None:
    lease = await quick_leases.take("one", holder="a")
    assert lease is not None
    async with asyncio.timeout(20):
        while (taken := await quick_leases.take("one", holder="b")) is None:  # noqa: ASYNC110 it expires by itself
            await asyncio.sleep(0.1)
    await quick_leases.give_back(lease)  # by the old holder, who does not know yet

    assert await quick_leases.renew(lease) is None
    assert await quick_leases.take("one", holder="a") is None
    assert await quick_leases.renew(taken) is not None


async def test_a_lease_that_is_renewed_is_kept(quick_leases: LeaseBucket) -> None:
    lease = await quick_leases.take("one", holder="a")
    for _ in range(6):
        assert lease is not None
        await asyncio.sleep(0.4)
        assert await quick_leases.take("one", holder="b") is None
        lease = await quick_leases.renew(lease)

    assert lease is not None


async def test_of_many_that_ask_at_once_one_gets_the_lease(bus: Bus) -> None:
    takes = await asyncio.gather(*(LeaseBucket(bus.js).take("one", holder=f"h{n}") for n in range(10)))

    assert sum(lease is not None for lease in takes) == 1


async def test_cursors_are_kept_by_mailbox_and_folder(bus: Bus) -> None:
    cursors = CursorBucket(bus.js)
    folder = "INBOX/ä *>."
    unread = await cursors.get("one", folder)
    kept = await cursors.put("one", folder, Cursor(uidvalidity=1, last_uid=9, filters="f"), after=unread)

    assert unread == Bookmark(None, None)
    assert await cursors.get("one", folder) == kept
    assert await cursors.get("one", "INBOX") == await cursors.get("two", folder) == Bookmark(None, None)


async def test_a_cursor_that_was_reset_meanwhile_is_not_moved_on(bus: Bus) -> None:
    cursors = CursorBucket(bus.js)
    cursor = Cursor(uidvalidity=1, last_uid=9, filters="f")
    kept = await cursors.put("one", "INBOX", cursor, after=Bookmark(None, None))
    await cursors.forget("one", "INBOX")

    with pytest.raises(TryLater):
        await cursors.put("one", "INBOX", cursor, after=kept)
    assert (await cursors.get("one", "INBOX")).cursor is None


async def test_a_cursor_that_cannot_be_read_is_none_and_can_be_replaced(bus: Bus) -> None:
    cursors = CursorBucket(bus.js)
    cursor = Cursor(uidvalidity=1, last_uid=9, filters="f")
    await cursors.put("one", "INBOX", cursor, after=Bookmark(None, None))
    bucket = KeyValueBucket(bus.js, topology.CURSOR_BUCKET)
    (entry,) = await bucket.entries()
    await bucket.put(entry.key, b"garbage")
    found = await cursors.get("one", "INBOX")
    await cursors.put("one", "INBOX", cursor, after=found)

    assert found.cursor is None
    assert (await cursors.get("one", "INBOX")).cursor == cursor


async def test_a_holder_that_lost_sight_of_its_lease_gets_it_back(bus: Bus) -> None:
    leases = LeaseBucket(bus.js)
    await leases.take("one", holder="a")

    assert await leases.take("one", holder="a") is not None
    assert await leases.take("one", holder="b") is None


async def test_a_request_is_answered(bus: Bus) -> None:
    async def reverse(question: bytes) -> bytes:
        return question[::-1]

    async with serving(bus.client, "test.reverse", reverse):
        assert await request(bus.client, "test.reverse", b"abc", timeout=5) == b"cba"
    with pytest.raises(NobodyAnswers):
        await request(bus.client, "test.reverse", b"abc", timeout=5)


async def test_a_request_nobody_listens_to_is_told_at_once(bus: Bus) -> None:
    with pytest.raises(NobodyAnswers):
        await request(bus.client, "test.nobody", b"", timeout=3600)


async def test_a_request_that_fails_neither_ends_the_server_nor_waits_for_ever(
    bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    async def answer(question: bytes) -> bytes:
        return b"%d" % (4 // len(question))

    async with serving(bus.client, "test.divide", answer):
        with pytest.raises(TryLater):
            await request(bus.client, "test.divide", b"", timeout=0.3)
        assert await request(bus.client, "test.divide", b"xx", timeout=5) == b"2"

    assert "ZeroDivisionError" in "".join(capsys.readouterr())


async def test_a_slow_request_does_not_hold_up_the_others(bus: Bus) -> None:
    go_on = asyncio.Event()

    async def answer(question: bytes) -> bytes:
        if question == b"slow":
            await go_on.wait()
        return question

    async with serving(bus.client, "test.echo", answer):
        slow = asyncio.create_task(request(bus.client, "test.echo", b"slow", timeout=20))
        assert await request(bus.client, "test.echo", b"quick", timeout=20) == b"quick"
        go_on.set()
        assert await slow == b"slow"


async def test_one_member_of_a_queue_answers(bus: Bus) -> None:
    asked: list[bytes] = []

    async def answer(question: bytes) -> bytes:
        asked.append(question)
        return b""

    async with (
        serving(bus.client, "test.queue", answer, queue="members"),
        serving(bus.client, "test.queue", answer, queue="members"),
    ):
        await request(bus.client, "test.queue", b"q", timeout=5)

    assert asked == [b"q"]


async def test_a_lease_that_is_over_in_the_very_moment_it_is_refused_is_taken(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = LeaseBucket(bus.js)
    assert await leases.take("one", holder="a")
    look = KeyValue._get

    async def expires_first(kv: KeyValue, *args: Any, **options: Any) -> KeyValue.Entry:
        await bus.js.purge_stream("KV_lease")
        return await look(kv, *args, **options)

    monkeypatch.setattr(KeyValue, "_get", expires_first)
    lease = await leases.take("one", holder="b")

    assert lease is not None
    assert lease.holder == "b"


async def test_an_error_that_the_driver_made_up_has_no_code_and_is_the_brokers_absence() -> None:
    with pytest.raises(TryLater), nats_errors():
        raise KeyNotFoundError


async def test_a_value_that_cannot_be_read_is_none_and_the_log_names_its_place_and_not_what_it_holds(
    bus: Bus, bucket: KeyValueBucket, capsys: pytest.CaptureFixture[str]
) -> None:
    cursors = TypedBucket(bus.js, topology.MAILBOX_BUCKET, Json(Cursor))
    first = await bucket.put("damaged", b'{"uidvalidity": "hunter2"}')
    second = await bucket.put("large", b" " * (MAX_VALUE_BYTES + 1) + b"1")
    await bucket.put("gone", b"1")
    await bucket.delete("gone")

    assert await cursors.get("damaged") == Stored("damaged", None, first)
    assert await cursors.get("large") == Stored("large", None, second)
    assert {stored.key: stored.is_deleted for stored in await cursors.known()} == {
        "damaged": False,
        "large": False,
        "gone": True,
    }
    said = "".join(capsys.readouterr())
    assert "key=damaged" in said
    assert "key=large" in said
    assert "hunter2" not in said


async def test_a_value_is_replaced_only_as_it_was_read(bus: Bus) -> None:
    counts = TypedBucket(bus.js, topology.CRASH_BUCKET, Json(int))
    first = await counts.replace("a", 1, after=None)
    with pytest.raises(Conflict):
        await counts.replace("a", 2, after=None)
    second = await counts.replace("a", 2, after=first)
    with pytest.raises(Conflict):
        await counts.replace("a", 3, after=first)
    with pytest.raises(Conflict):
        await counts.delete("a", after=first)

    assert await counts.get("a") == Stored("a", 2, second)


@pytest.mark.parametrize(
    ("kept_as", "stored", "value"),
    [
        (Json(int), b"3", 3),
        (Text(), b"fetcher-1.4711", "fetcher-1.4711"),
        (
            Json(Cursor),
            b'{"uidvalidity":7,"last_uid":9,"filters":"f","landmark":null}',
            Cursor(uidvalidity=7, last_uid=9, filters="f"),
        ),
        (
            Json(BackfillCursor),
            b'{"since":"2026-01-02","uidvalidity":null,"last_uid":0,"up_to_uid":0}',
            BackfillCursor(since=date(2026, 1, 2)),
        ),
    ],
    ids=["crashes", "holder", "cursor", "backfill"],
)
def test_values_are_kept_in_the_form_that_earlier_versions_wrote(
    kept_as: Format[Any], stored: bytes, value: object
) -> None:
    assert kept_as.read("k", stored) == value
    assert kept_as.write("k", value) == stored
