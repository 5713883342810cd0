"""Several folders of one mailbox, over one session, each with its own cursor."""

import asyncio
from typing import Any

import pytest

from pipeline.contracts.events import FetchRunFinished, FetchTrigger
from pipeline.contracts.mailbox import Action
from pipeline.contracts.status import State
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.statuses import StatusBucket
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import TIMEOUT, acted, command, fetched, fetching, imap_log, runs, until, until_fetched

MAIL = b"From: a@b.example\r\nSubject: report\r\n\r\nwords\r\n"
HOURLY: dict[str, Any] = {"poll_interval_minutes": 60}
FOLDERS: dict[str, Any] = {"folders": ["Größe", "Archive.2024"]}


def fill(user: User) -> None:
    user.deliver(MAIL)
    user.deliver(MAIL, MAIL, folder="Größe")
    user.deliver(MAIL, folder="Archive.2024")


async def test_every_folder_is_read_over_one_connection(bus: Bus, dovecot: Dovecot, user: User) -> None:
    fill(user)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, **HOURLY, **FOLDERS))
    async with fetching(bus):
        await until(bus, FetchRunFinished, 3)

    assert sorted((event.mail.folder, event.mail.uid) for event in await fetched(bus)) == [
        ("Archive.2024", 1),
        ("Größe", 1),
        ("Größe", 2),
        ("INBOX", 1),
    ]
    assert [(run.folder, run.seen) for run in await runs(bus)] == [("Größe", 2), ("Archive.2024", 1), ("INBOX", 1)]
    assert len(await imap_log(bus, "connected")) == 1


async def test_each_folder_goes_on_where_it_was_left(bus: Bus, dovecot: Dovecot, user: User) -> None:
    fill(user)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, **HOURLY, **FOLDERS))
    async with fetching(bus):
        await until(bus, FetchRunFinished, 3)
    user.deliver(MAIL, folder="Größe")
    async with fetching(bus):
        again = (await until(bus, FetchRunFinished, 6))[3:]

    assert [(run.folder, run.seen) for run in again] == [("Größe", 1), ("Archive.2024", 0), ("INBOX", 0)]
    assert len(await fetched(bus)) == 5


async def test_a_new_mail_in_the_first_folder_is_heard_of_at_once(bus: Bus, dovecot: Dovecot, user: User) -> None:
    fill(user)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, **HOURLY, **FOLDERS))
    async with fetching(bus):
        await until(bus, FetchRunFinished, 3)
        user.deliver(MAIL)
        await until_fetched(bus, 5)
        last = (await until(bus, FetchRunFinished, 4))[3]

    assert (last.folder, last.trigger) == ("INBOX", FetchTrigger.IDLE)


async def test_the_other_folders_are_read_at_the_interval(bus: Bus, dovecot: Dovecot, user: User) -> None:
    fill(user)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, poll_interval_minutes=0.01, **FOLDERS))
    async with fetching(bus):
        await until(bus, FetchRunFinished, 3)
        user.deliver(MAIL, folder="Archive.2024")
        assert (await until_fetched(bus, 5))[-1].mail.folder == "Archive.2024"


async def test_a_folder_that_is_not_there_keeps_no_other_from_being_read(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    fill(user)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, folders=["Nowhere", "Größe"], **HOURLY))
    async with fetching(bus):
        await until_fetched(bus, 3)
        found = await until(bus, FetchRunFinished, 3)

    assert [(run.folder, run.category) for run in found] == [
        ("Nowhere", "mailbox_not_found"),
        ("Größe", "ok"),
        ("INBOX", "ok"),
    ]


async def test_a_folder_that_is_not_there_takes_nothing_else_from_the_mailbox(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    """Its connection is kept, new mail is announced, commands are done; the status says what is wrong."""
    fill(user)
    mailbox = dovecot_mailbox(dovecot, user, folders=["Nowhere"], **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        (mail,) = await until_fetched(bus, 1)
        await until(bus, FetchRunFinished, 2)
        user.deliver(MAIL)
        await until_fetched(bus, 2)
        await acted(bus, command(mail, Action.MARK_READ))
        status = await StatusBucket(bus.js).get(mailbox.id)
        async with asyncio.timeout(TIMEOUT):
            while status is None or status.state is not State.IDLE:
                await asyncio.sleep(0.05)
                status = await StatusBucket(bus.js).get(mailbox.id)

    assert user.stored()[0].seen
    assert (await until(bus, FetchRunFinished, 3))[2].trigger is FetchTrigger.IDLE
    assert (status.category, status.last_success_at is not None) == ("mailbox_not_found", True)
    (complaint,) = await imap_log(bus, "failed")
    assert complaint.data["folder"] == "Nowhere"


async def test_a_mail_is_acted_on_in_its_own_folder(bus: Bus, dovecot: Dovecot, user: User) -> None:
    fill(user)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, **HOURLY, **FOLDERS))
    async with fetching(bus):
        mails = await until_fetched(bus, 4)
        inside = next(event for event in mails if event.mail.folder == "Archive.2024")
        await acted(bus, command(inside, Action.MOVE, folder="Done"))

    assert len(user.stored("Done")) == 1
    assert user.stored("Archive.2024") == []
    assert len(user.stored()) == 1


@pytest.mark.parametrize("dry_run", [False, True])
async def test_folders_that_email_is_moved_to_are_made_when_the_mailbox_is_saved_but_not_in_a_dry_run(
    bus: Bus, dovecot: Dovecot, user: User, dry_run: bool
) -> None:
    moves: dict[str, Any] = {
        "on_processed": {"action": "move", "folder": "Done"},
        "on_failed": {"action": "move", "folder": "Odd/Ones"},
    }
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, dry_run=dry_run, **moves, **HOURLY))
    async with fetching(bus):
        await until(bus, FetchRunFinished, 1)

    assert [user.has_folder(folder) for folder in ("Done", "Odd.Ones")] == [not dry_run, not dry_run]


async def test_a_target_folder_that_is_refused_is_told_and_email_is_fetched_all_the_same(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    user.deliver(MAIL)
    moves: dict[str, Any] = {"on_processed": {"action": "move", "folder": "a..b"}}
    mailbox = dovecot_mailbox(dovecot, user, **moves, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await until_fetched(bus, 1)
        status = await StatusBucket(bus.js).get(mailbox.id)
        async with asyncio.timeout(TIMEOUT):
            while status is None or status.last_success_at is None:
                await asyncio.sleep(0.05)
                status = await StatusBucket(bus.js).get(mailbox.id)

    assert 'the folder "a..b" cannot be created' in status.detail
    assert [run.category for run in await runs(bus)] == ["ok"]
