"""Commands done to real mails."""

from collections.abc import AsyncIterator

import pytest

from pipeline.contracts.mail_events import ActResult, MailFetched
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.jetstream.bus import Bus
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import acted, command, fetching, imap_log, until_fetched

MAILS = [b"From: a@b.example\r\nSubject: report %d\r\n\r\nwords\r\n" % number for number in range(3)]


@pytest.fixture
async def mails(bus: Bus, dovecot: Dovecot, user: User) -> AsyncIterator[list[MailFetched]]:
    """Three fetched mails; the fetcher keeps running."""
    user.deliver(*MAILS)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, poll_interval_minutes=60))
    async with fetching(bus):
        yield await until_fetched(bus, 3)


async def test_mails_are_marked_read(bus: Bus, user: User, mails: list[MailFetched]) -> None:
    events = await acted(bus, *[command(mail, Action.MARK_READ) for mail in mails[:2]])
    assert [mail.seen for mail in user.stored()] == [True, True, False]
    assert {event.result for event in events} == {ActResult.DONE}
    assert {i for event in events for i in event.mail_ids} == {mail.mail.mail_id for mail in mails[:2]}


async def test_mails_are_moved_to_a_folder_that_is_created(bus: Bus, user: User, mails: list[MailFetched]) -> None:
    folder = "Geprüfte Berichte"
    assert not user.has_folder(folder)
    events = await acted(bus, *[command(mail, Action.MOVE, folder=folder) for mail in mails[1:]])
    assert [mail.raw for mail in user.stored()] == MAILS[:1]
    assert sorted(mail.raw for mail in user.stored(folder)) == MAILS[1:]
    assert {(event.result, event.target) for event in events} == {(ActResult.DONE, folder)}


async def test_mails_are_deleted(bus: Bus, user: User, mails: list[MailFetched]) -> None:
    await acted(bus, command(mails[1], Action.DELETE))
    assert [mail.raw for mail in user.stored()] == [MAILS[0], MAILS[2]]


async def test_different_commands_come_together(bus: Bus, user: User, mails: list[MailFetched]) -> None:
    first, second, third = mails
    await acted(
        bus,
        command(first, Action.DELETE),
        command(second, Action.MOVE, folder="Done"),
        command(third, Action.MARK_READ),
    )
    assert [(mail.raw, mail.seen) for mail in user.stored()] == [(MAILS[2], True)]
    assert [mail.raw for mail in user.stored("Done")] == [MAILS[1]]


async def test_commands_that_come_one_after_another_are_done_together(
    bus: Bus, user: User, mails: list[MailFetched]
) -> None:
    first, second, third = mails
    await acted(bus, command(first, Action.MARK_READ))
    await bus.publish([command(second, Action.MARK_READ)])
    (event,) = await acted(bus, command(third, Action.MARK_READ))
    assert event.mail_ids == (second.mail.mail_id, third.mail.mail_id)


async def test_a_mail_that_is_gone_was_done(bus: Bus, user: User, mails: list[MailFetched]) -> None:
    move = command(mails[0], Action.MOVE, folder="Done")
    again = command(mails[0], Action.MOVE, folder="Done", take=1)
    never = command(mails[0], Action.DELETE, uid=99)
    for one in (move, again, never):
        assert [event.result for event in await acted(bus, one)] == [ActResult.DONE]
    assert [mail.raw for mail in user.stored("Done")] == MAILS[:1]
    assert [mail.raw for mail in user.stored()] == MAILS[1:]


async def test_a_mail_of_a_folder_that_was_rebuilt_is_left_alone(
    bus: Bus, dovecot: Dovecot, user: User, mails: list[MailFetched]
) -> None:
    user.renumber()
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, poll_interval_minutes=60))
    await until_fetched(bus, 6)
    event = (await acted(bus, command(mails[0], Action.DELETE)))[0]
    assert (event.result, event.reason) == (ActResult.FAILED, Reason.UIDVALIDITY_CHANGED)
    assert len(user.stored()) == 3


async def test_a_folder_that_the_server_refuses_fails_the_command(
    bus: Bus, user: User, mails: list[MailFetched]
) -> None:
    event = (await acted(bus, command(mails[0], Action.MOVE, folder="bad..name")))[0]
    assert (event.result, event.reason) == (ActResult.FAILED, Reason.FOLDER_NOT_PERMITTED)
    assert event.detail
    assert len(user.stored()) == 3
    assert (await acted(bus, command(mails[0], Action.MARK_READ, take=1)))[0].result is ActResult.DONE


async def test_a_dry_run_says_what_it_would_do_and_touches_nothing(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*MAILS)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, dry_run=True, poll_interval_minutes=60))
    async with fetching(bus):
        first, second, third = await until_fetched(bus, 3)
        events = await acted(
            bus,
            command(first, Action.MOVE, folder="Done"),
            command(second, Action.DELETE),
            command(third, Action.MARK_READ),
        )
    assert len(await imap_log(bus, "signed_in")) == 1
    assert {event.result for event in events} == {ActResult.SKIPPED}
    details = {'dry run: would move to "Done"', "dry run: would delete", "dry run: would mark read"}
    assert {event.detail for event in events} == details
    assert [(mail.raw, mail.seen) for mail in user.stored()] == [(raw, False) for raw in MAILS]
    assert not user.has_folder("Done")
