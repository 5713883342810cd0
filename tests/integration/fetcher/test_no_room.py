"""Large emails wait in the mailbox while the object store has no room, and hold up no other."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from fetcher import watch
from pipeline.contracts import topology
from pipeline.contracts.limits import KiB, MiB
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.status import MailboxStatus
from pipeline.jetstream.blobs import Blobs
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.cursors import CursorBucket
from pipeline.jetstream.statuses import StatusBucket
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import downloaded, fetched, fetching, until_fetched
from tests.support.mails import part, single

LARGE = 400 * KiB


def email(number: int, size: int = 50) -> bytes:
    return single(part(b"%d " % number + b"x" * size, encoding=""))


async def shrink(bus: Bus, size: int) -> None:
    config = (await bus.js.stream_info(topology.BLOB_STREAM)).config
    await bus.js.update_stream(config.evolve(max_bytes=size))


async def until_it_says(bus: Bus, mailbox: Mailbox, category: str) -> MailboxStatus:
    async with asyncio.timeout(20):
        while (status := await StatusBucket(bus.js).get(mailbox.id)) is None or status.category != category:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return status


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ROOM_AGAIN_S", 0.3)


async def test_small_emails_are_fetched_while_a_large_one_waits_for_room(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    await shrink(bus, 256 * KiB)
    user.deliver(email(1), email(2, LARGE), email(3))
    mailbox = dovecot_mailbox(dovecot, user, poll_interval_minutes=60, use_idle=False)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        assert [event.mail.uid for event in await until_fetched(bus, 2)] == [1, 3]
        status = await until_it_says(bus, mailbox, "store_full")
        assert "1 large email waits" in status.detail
        assert REGISTRY.get_sample_value("dmarq_mailbox_no_room_mails", {"mailbox": mailbox.id}) == 1
        stored = (await CursorBucket(bus.js).get(mailbox.id, "INBOX")).cursor
        assert stored is not None
        assert stored.last_uid == 1
        user.deliver(email(4))
        assert [event.mail.uid for event in await until_fetched(bus, 3)] == [1, 3, 4]

        await shrink(bus, 8 * MiB)

        assert [event.mail.uid for event in await until_fetched(bus, 4)] == [1, 3, 4, 2]
        await until_it_says(bus, mailbox, "ok")
        assert REGISTRY.get_sample_value("dmarq_mailbox_no_room_mails", {"mailbox": mailbox.id}) == 0
    asked = [uid for uids in await downloaded(bus) for uid in uids.split(",")]
    assert sorted(asked) == ["1", "2", "3", "4"]  # each once, however often the folder was looked into


async def test_a_large_email_that_waits_is_fetched_after_a_restart(bus: Bus, dovecot: Dovecot, user: User) -> None:
    await shrink(bus, 256 * KiB)
    user.deliver(email(1, LARGE), email(2))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    async with fetching(bus):
        await until_fetched(bus, 1)
    await shrink(bus, 8 * MiB)
    async with fetching(bus):
        await until_fetched(bus, 2)

    assert sorted(event.mail.uid for event in await fetched(bus)) == [1, 2]


async def test_a_store_that_fills_up_between_the_look_and_the_publish_holds_up_no_small_email(
    bus: Bus, dovecot: Dovecot, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker itself refuses the bytes then."""
    await shrink(bus, 256 * KiB)

    async def admitted(_: Blobs, size: int) -> None:
        """As if there had been room a moment ago."""

    monkeypatch.setattr(Blobs, "admit", admitted)
    monkeypatch.setattr(topology, "BLOB_NEW_SHARE", 100)
    user.deliver(email(1), email(2, LARGE), email(3))
    mailbox = dovecot_mailbox(dovecot, user)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        assert [event.mail.uid for event in await until_fetched(bus, 2)] == [1, 3]
        await until_it_says(bus, mailbox, "store_full")
        stored = (await CursorBucket(bus.js).get(mailbox.id, "INBOX")).cursor
        assert stored is not None
        assert stored.last_uid == 1


async def test_other_mailboxes_go_on(bus: Bus, dovecot: Dovecot, user: User) -> None:
    await shrink(bus, 256 * KiB)
    user.deliver(email(1, LARGE))
    other = dovecot.user("other")
    other.deliver(email(1), email(2))
    first, second = dovecot_mailbox(dovecot, user), dovecot_mailbox(dovecot, other)
    await put_mailbox(bus, first)
    await put_mailbox(bus, second.model_copy(update={"id": "other"}))
    async with fetching(bus):
        await until_it_says(bus, first, "store_full")
        events = await until_fetched(bus, 2)

    assert {event.mail.mailbox_id for event in events} == {"other"}
