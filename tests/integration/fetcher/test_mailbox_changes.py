"""What becomes of the work when a mailbox is changed, paused, deleted, or held by somebody else."""

import asyncio
import signal
from pathlib import Path

import pytest

from dmarq.embedded import EmbeddedNats
from fetcher import supervisor
from pipeline.contracts.events import FetchRunFinished
from pipeline.contracts.mail_events import MailActed
from pipeline.contracts.mailbox import Action
from pipeline.contracts.topology import COMMAND
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.cursors import CursorBucket
from pipeline.jetstream.mailboxes import MailboxBucket, SealedMailbox, seal
from pipeline.secrets import Keyring
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import (
    acted,
    command,
    fetched,
    fetching,
    has_actor,
    runs,
    stored,
    told,
    until,
    until_fetched,
    until_let_go,
)
from tests.support.keys import OTHER_KEY
from tests.support.proxy import FaultyProxy
from tests.support.services import SECRET_KEY, services

MAIL = b"From: a@b.example\r\nSubject: report\r\n\r\nwords\r\n"
HOURLY = {"poll_interval_minutes": 60}


async def test_other_settings_are_heard_before_the_interval_is_over(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(MAIL)
    user.deliver(MAIL, folder="Other")
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, **HOURLY))
    async with fetching(bus):
        await until(bus, FetchRunFinished)
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, folder="Other", **HOURLY))
        events = await until_fetched(bus, 2)
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=1, **HOURLY))  # older: nothing new
    assert [(event.mail.folder, event.handling.settings_version) for event in events] == [("INBOX", 1), ("Other", 2)]


async def test_a_paused_mailbox_is_left_alone_until_it_is_resumed(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(MAIL)
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        event = (await until_fetched(bus, 1))[0]
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, enabled=False, **HOURLY))
        await until_let_go(bus, mailbox)
        user.deliver(MAIL)
        await bus.publish([command(event, Action.MARK_READ)])
        await asyncio.sleep(0.5)
        assert len(await fetched(bus)) == 1
        assert not any(mail.seen for mail in user.stored())

        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=3, **HOURLY))
        await until_fetched(bus, 2)
        await until(bus, MailActed)


async def test_a_pause_is_heard_while_the_mail_server_hangs(bus: Bus, dovecot: Dovecot, user: User) -> None:
    async with FaultyProxy(port=dovecot.imaps_port) as proxy:
        mailbox = dovecot_mailbox(dovecot, user, port=proxy.port, use_idle=False)
        await put_mailbox(bus, mailbox)
        async with fetching(bus):
            await until(bus, FetchRunFinished)
            proxy.hang()
            await asyncio.sleep(1.5)  # the next poll hangs now
            await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, enabled=False))
            await until_let_go(bus, mailbox)


async def test_a_deleted_mailbox_leaves_nothing_behind(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(MAIL)
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    cursors = CursorBucket(bus.js)
    async with fetching(bus):
        event = (await until_fetched(bus, 1))[0]
        await acted(bus, command(event, Action.MARK_READ))
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, enabled=False))
        await until_let_go(bus, mailbox)
        await bus.publish([command(event, Action.DELETE, take=1)])
        assert await has_actor(bus, mailbox)
        assert (await cursors.get(mailbox.id, "INBOX")).cursor is not None

        await MailboxBucket(bus.js, Keyring(SECRET_KEY)).delete(mailbox.id)
        async with asyncio.timeout(10):
            while (await cursors.get(mailbox.id, "INBOX")).cursor is not None:  # noqa: ASYNC110 nobody tells
                await asyncio.sleep(0.02)
    assert not await has_actor(bus, mailbox)
    assert await stored(bus, COMMAND.name) == []
    assert len(user.stored()) == 1


async def test_a_mailbox_that_the_broker_lost_goes_on(
    bus: Bus, dovecot: Dovecot, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a deletion ends the work: a list that lacks the mailbox does not."""
    monkeypatch.setattr(supervisor, "RELIST_EVERY", 0.2)
    mailbox = dovecot_mailbox(dovecot, user)
    user.deliver(MAIL)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        event = (await until_fetched(bus, 1))[0]
        await bus.js.purge_stream("KV_mailbox")
        await asyncio.sleep(1.0)
        assert await has_actor(bus, mailbox)
        await acted(bus, command(event, Action.MARK_READ))


async def test_a_mailbox_whose_secret_cannot_be_read_keeps_its_commands(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(MAIL)
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        event = (await until_fetched(bus, 1))[0]
        keys = Keyring(OTHER_KEY)
        sealed: SealedMailbox = seal(mailbox.model_copy(update={"version": 2}), keys)
        await MailboxBucket(bus.js, keys).put(sealed)
        await until_let_go(bus, mailbox)
        await bus.publish([command(event, Action.MARK_READ)])
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=3, **HOURLY))
        await until(bus, MailActed)
    assert [mail.seen for mail in user.stored()] == [True]


async def test_a_folder_read_again_is_published_from_its_beginning(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(MAIL, MAIL)
    mailbox = dovecot_mailbox(dovecot, user)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await until(bus, FetchRunFinished, 2)
        await CursorBucket(bus.js).forget(mailbox.id, "INBOX")
        await until(bus, FetchRunFinished, 2, where=lambda run: run.seen == 2)
    assert len(await fetched(bus)) == 2  # the same mails under the same ids


async def test_two_fetchers_share_and_the_second_takes_over_from_a_killed_one(
    broker: EmbeddedNats, bus: Bus, dovecot: Dovecot, user: User, tmp_path: Path
) -> None:
    user.deliver(MAIL)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    with services(nats_url=broker.url, database_url="postgresql://127.0.0.1/none", logs=tmp_path) as two:
        for name in ("first", "second"):
            two.start("fetcher", name=name)
        await until(bus, FetchRunFinished, 2)
        held = {name: "mailbox_held" in (tmp_path / f"{name}.log").read_text() for name in two.running}
        assert sorted(held.values()) == [False, True]
        holder = next(name for name, holds in held.items() if holds)

        two.running[holder].send(signal.SIGKILL)
        await _let_leases_run_out_soon(bus)
        user.deliver(MAIL)
        events = await until_fetched(bus, 2)
        other = next(name for name in two.running if name != holder)
        assert "mailbox_held" in (tmp_path / f"{other}.log").read_text()
    assert [event.mail.uid for event in events] == [1, 2]
    assert {run.category for run in await runs(bus)} == {"ok"}
    assert await told(bus, MailActed) == []


async def _let_leases_run_out_soon(bus: Bus) -> None:
    """A dead holder's lease, without waiting its half minute."""
    config = (await bus.js.stream_info("KV_lease")).config
    await bus.js.update_stream(config.evolve(max_age=1.0, duplicate_window=1.0))


async def test_mailboxes_that_are_there_at_the_start_are_spread_and_a_change_is_heard_at_once(
    bus: Bus, dovecot: Dovecot, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SPREAD_S", 100_000.0)
    others = [dovecot.user() for _ in range(3)]
    for one in (user, *others):
        one.deliver(MAIL)
        await put_mailbox(bus, dovecot_mailbox(dovecot, one, **HOURLY))
    async with fetching(bus):
        version = 1
        while not await fetched(bus):
            version += 1
            await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=version, **HOURLY))
            await asyncio.sleep(0.1)

    assert {event.mail.mailbox_id for event in await fetched(bus)} == {user.name.lower()}
