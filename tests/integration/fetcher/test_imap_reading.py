"""Finding and fetching mails, from a real Dovecot."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.fetch_answer import Fetched
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account
from fetcher.reading.filters import criteria_for, matches
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Filters
from tests.support.dovecot import Dovecot, User
from tests.support.fixtures_imap import account_of, quiet


def a_mail(number: int = 1, *, subject: str = "Report", sender: str = "noreply@example.com") -> bytes:
    return f"From: {sender}\r\nSubject: {subject}\r\n\r\nmail {number}\r\n".encode()


async def all_bodies(session: ImapSession, *, max_bytes: int = 1000) -> list[Fetched]:
    metas = await session.fetch_meta(await session.search(Criteria()))
    return [fetched async for fetched in session.fetch_bodies(metas, max_bytes=max_bytes)]


async def test_a_status_counts_and_touches_nothing(account: Account, user: User) -> None:
    user.deliver(a_mail(1), a_mail(2))
    user.deliver(a_mail(3), flags="S")

    async with await ImapSession.open(account, log=quiet) as session:
        status = await session.status("INBOX")

    assert (status.mails, status.unread, status.uidnext) == (3, 2, 4)
    assert [mail.seen for mail in user.stored()] == [False, False, True]


async def test_mails_come_byte_for_byte_and_stay_unread(account: Account, user: User) -> None:
    odd = [
        b"",
        b"\r\n",
        b"Subject: x\r\n\r\n" + bytes({*range(1, 256)} - {10, 13}) + b"\r\n",
        b"Subject: {5}\r\n\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nA1 OK )\r\n",
        b'Subject: "* ((\r\n\r\n)\r\n',
    ]
    user.deliver(*odd[1:])

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        fetched = await all_bodies(session)

    assert [mail.body for mail in fetched] == odd[1:]
    assert not any(mail.seen for mail in user.stored())


async def test_a_mail_over_the_limit_is_cut_off_by_the_server(account: Account, user: User) -> None:
    user.deliver(a_mail(1), b"Subject: x\r\n\r\n" + b"x" * 2000, a_mail(2))

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        fetched = await all_bodies(session, max_bytes=1000)

    assert [mail.too_large for mail in fetched] == [False, True, False]
    assert fetched[2].body == a_mail(2)


async def test_large_mails_are_fetched_whole(account: Account, user: User) -> None:
    large = [b"Subject: x\r\n\r\n" + bytes([65 + n]) * 5_000_000 + b"\r\n" for n in range(4)]
    user.deliver(*large)

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        fetched = await all_bodies(session, max_bytes=10_000_000)

    assert [mail.body for mail in fetched] == large


async def test_a_mail_that_another_client_removed_is_reported_as_gone(account: Account, user: User) -> None:
    user.deliver(*[a_mail(n) for n in range(3)])

    async with (
        await ImapSession.open(account, log=quiet) as session,
        await ImapSession.open(account, log=quiet) as other,
    ):
        await session.select("INBOX")
        metas = await session.fetch_meta([1, 2, 3])
        await other.select("INBOX")
        await other.delete([2])
        await session.status("INBOX")
        fetched = [mail async for mail in session.fetch_bodies(metas, max_bytes=1000)]

    assert [mail.body is None for mail in fetched] == [False, True, False]


async def test_meta_data_of_2500_mails_is_whole(account: Account, user: User) -> None:
    user.deliver(*[a_mail(n, subject=f"Report {n}") for n in range(2500)])

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        metas = await session.fetch_meta(range(1, 2501), headers=True)

    assert [meta.uid for meta in metas] == list(range(1, 2501))
    assert b"Report 2499" in metas[-1].header
    assert all(meta.size == len(a_mail(n, subject=f"Report {n}")) for n, meta in enumerate(metas))
    assert metas[0].internal_date is not None
    assert abs(metas[0].internal_date - datetime.now(UTC)) < timedelta(days=1)


async def test_3000_mails_flagged_by_another_client_disturb_nothing(account: Account, user: User) -> None:
    """The news come as 3,000 lines in one answer, on which the bare library recurses until it breaks."""
    user.deliver(*[a_mail(n) for n in range(3000)])

    async with (
        await ImapSession.open(account, log=quiet) as session,
        await ImapSession.open(account, log=quiet) as other,
    ):
        await session.select("INBOX")
        await other.select("INBOX")
        await other.mark_read(range(1, 3001))
        await session.status("INBOX")
        metas = await session.fetch_meta([3000])

    assert "\\Seen" in metas[0].flags


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), [1, 2, 3, 4]),
        (Filters(subject_contains=("eport",)), [1, 2]),
        (Filters(subject_contains=("bericht für", "REPORT DOMAIN")), [1, 3]),
        (Filters(subject_contains=('"quoted\\"',)), [4]),
        (Filters(senders=("example.com",)), [1, 2]),
        (Filters(senders=("b@example.org",), subject_contains=("ü",)), [3]),
        (Filters(max_age_days=1), [1, 2, 3, 4]),
    ],
)
async def test_filters_find_the_mails_they_name(
    account: Account, user: User, filters: Filters, found: list[int]
) -> None:
    user.deliver(
        a_mail(subject="Report domain: x"),
        a_mail(subject="a report", sender="X <x@sub.example.com>"),
        a_mail(subject="=?utf-8?q?Bericht_f=C3=BCr?=", sender="b@example.org"),
        a_mail(subject='say "quoted\\"', sender="x@notexample.com"),
    )
    now = datetime.now(UTC)

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        metas = await session.fetch_meta(await session.search(criteria_for(filters, now=now)), headers=True)

    assert [meta.uid for meta in metas if matches(filters, meta, now=now)] == found


async def test_only_mails_above_the_cursor_are_found(account: Account, user: User) -> None:
    user.deliver(*[a_mail(n) for n in range(5)])

    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")

        assert await session.search(Criteria(after_uid=3)) == [4, 5]
        assert await session.search(Criteria(after_uid=5)) == []
        assert await session.search(Criteria(after_uid=1, up_to_uid=3)) == [2, 3]


async def test_a_rebuilt_folder_has_another_uidvalidity(account: Account, user: User) -> None:
    user.deliver(a_mail())
    async with await ImapSession.open(account, log=quiet) as session:
        before = await session.select("INBOX")

    user.renumber()
    async with await ImapSession.open(account, log=quiet) as session:
        after = await session.select("INBOX")

    assert before.uidvalidity != after.uidvalidity


async def test_a_server_without_extensions_serves_as_well(old_dovecot: Dovecot) -> None:
    user = old_dovecot.user()
    user.deliver(*[a_mail(n, subject="für alle") for n in range(3)])

    async with await ImapSession.open(account_of(old_dovecot, user), log=quiet) as session:
        await session.select("INBOX")
        found = await session.search(Criteria(subjects=("für",)))
        fetched = await all_bodies(session)

    assert found == [1, 2, 3]
    assert [mail.uid for mail in fetched] == [1, 2, 3]


async def test_a_new_mail_wakes_whoever_waits_in_idle(account: Account, user: User) -> None:
    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        waiting = asyncio.create_task(session.wait_for_mail(60))
        await asyncio.sleep(0.1)
        user.deliver(a_mail())

        assert await waiting is True
        assert await session.search(Criteria()) == [1]


async def test_waiting_ends_when_nothing_comes_and_the_session_goes_on(account: Account, user: User) -> None:
    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")

        assert await session.wait_for_mail(0.05) is False
        await session.status("INBOX")


async def test_a_missing_folder_is_named_so(account: Account) -> None:
    async with await ImapSession.open(account, log=quiet) as session:
        with pytest.raises(ImapFault) as caught:
            await session.select("No such folder")

        assert caught.value.category is Category.MAILBOX_NOT_FOUND
        assert (await session.select("inbox")).mails == 0
