"""Marking, moving and deleting on a real Dovecot; what became of the mails is read from its disk."""

import pytest

from fetcher.imap.actions import KEYWORD
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account
from tests.support.dovecot import Dovecot, User
from tests.support.fixtures_imap import account_of, quiet

MAILS = [b"Subject: %d\r\n\r\nx\r\n" % n for n in range(5)]
ODD_NAMES = ["Done", "With space", 'Quo"te', "Erledigte Übergröße", "a & b", "back\\slash", "{5}", "(x)", "日本 語"]


async def test_mails_are_marked_read_and_no_others(account: Account, user: User) -> None:
    user.deliver(*MAILS)

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        await session.mark_read([1, 3, 99])

    assert [mail.seen for mail in user.stored()] == [True, False, True, False, False]


@pytest.mark.parametrize("folder", ODD_NAMES)
async def test_mails_are_moved_to_a_folder_that_is_made_for_them(account: Account, user: User, folder: str) -> None:
    user.deliver(*MAILS)

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        await session.move([2, 4], folder)
        names = [found.name for found in await session.folders()]
        status = await session.status(folder)
        selected = await session.select(folder)

    assert folder in names
    assert status.mails == selected.mails == 2
    assert sorted(mail.raw for mail in user.stored(folder)) == [MAILS[1], MAILS[3]]
    assert [mail.raw for mail in user.stored()] == [MAILS[0], MAILS[2], MAILS[4]]


async def test_a_folder_below_another_is_made_with_the_servers_separator(account: Account, user: User) -> None:
    user.deliver(*MAILS)

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        await session.move([1], "Reports/Done")
        await session.move([2], "Reports/Done")

        assert (await session.status("Reports/Done")).mails == 2

    assert len(user.stored("Reports.Done")) == 2


async def test_moving_again_what_was_moved_is_no_error(account: Account, user: User) -> None:
    user.deliver(*MAILS)

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        for _ in range(2):
            await session.move([1, 2], "Done")

    assert len(user.stored("Done")) == 2


async def test_moving_into_the_open_folder_moves_nothing(account: Account, user: User) -> None:
    user.deliver(*MAILS)

    async with await ImapSession.open(account, log=quiet) as session:
        before = await session.select("INBOX")
        await session.move([1], "INBOX")
        await session.move([1], "inbox")

        assert (await session.select("INBOX")).uidnext == before.uidnext


async def test_1500_mails_are_moved(account: Account, user: User) -> None:
    user.deliver(*[b"Subject: %d\r\n\r\n" % n for n in range(1500)])

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        await session.move(range(1, 1501), "Done")

    assert len(user.stored("Done")) == 1500
    assert user.stored() == []


async def test_deleted_mails_are_gone_and_those_that_others_flagged_deleted_are_not(
    account: Account, user: User
) -> None:
    user.deliver(*MAILS[:3], flags="")
    user.deliver(*MAILS[3:], flags="T")

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        await session.delete([1, 2])
        await session.delete([1, 2])

    assert [mail.raw for mail in user.stored()] == MAILS[2:]


async def test_nothing_is_removed_when_a_folder_is_left(account: Account, user: User) -> None:
    """CLOSE would remove what others flagged `\\Deleted`."""
    user.deliver(*MAILS, flags="T")
    user.make_folder("Other")

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        await session.select("Other")
        await session.select("INBOX")

    assert len(user.stored()) == 5


NAMED = [b"Message-ID: <%d@example.com>\r\nSubject: %d\r\n\r\nx\r\n" % (n, n) for n in range(3)]


async def test_without_move_a_mail_that_was_copied_before_is_not_copied_again(old_dovecot: Dovecot) -> None:
    """This server cannot remove single mails: as far as a repeated command can see, it was cut short after the copy."""
    user = old_dovecot.user()
    user.deliver(*NAMED, flags="")

    for uids in ([1, 2], [1, 2, 3]):
        async with await ImapSession.open(account_of(old_dovecot, user), log=quiet) as session:
            await session.select("INBOX")
            await session.move(uids, "Done")

    assert sorted(mail.raw for mail in user.stored("Done")) == NAMED
    assert ["T" in mail.flags for mail in user.stored()] == [True, True, True]


async def test_without_move_a_mail_that_was_about_to_be_copied_is_copied(old_dovecot: Dovecot) -> None:
    user = old_dovecot.user()
    user.deliver(*NAMED, flags="")

    async with await ImapSession.open(account_of(old_dovecot, user), log=quiet) as session:
        await session.select("INBOX")
        await session._connection.ask("UID STORE", "1:3", "+FLAGS", f"({KEYWORD})")
        await session.move([1, 2, 3], "Not there yet")
        await session.move([1, 2, 3], "Not there yet")

    assert sorted(mail.raw for mail in user.stored("Not there yet")) == NAMED


async def test_without_extensions_a_moved_mail_is_copied_and_flagged_but_nothing_is_expunged(
    old_dovecot: Dovecot,
) -> None:
    user = old_dovecot.user()
    user.deliver(*MAILS[:2], flags="")
    user.deliver(MAILS[2], flags="T")
    told: list[tuple[str, str]] = []

    async with await ImapSession.open(
        account_of(old_dovecot, user), log=lambda level, what, facts: told.append((level, what))
    ) as session:
        await session.select("INBOX")
        await session.move([1], "Reports/Done")
        await session.delete([2])

    assert [mail.raw for mail in user.stored("Reports.Done")] == [MAILS[0]]
    assert ["T" in mail.flags for mail in user.stored()] == [True, True, True]
    assert ("warning", "not_removed") in told
