"""A folder is read again behind the mails that are new in it, whatever happens meanwhile."""

import asyncio
from datetime import date

import pytest

from fetcher.reading import backfill
from pipeline.contracts.cursor import BackfillCursor
from pipeline.contracts.events import FetchRunFinished, FetchTrigger
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.topology import MAIL, fetch_subject
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.cursors import BackfillBucket
from pipeline.jetstream.requests import request
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import fetched, fetching, runs, until, until_fetched

MAIL_BYTES = b"From: a@b.example\r\nSubject: report\r\n\r\nwords\r\n"
OLD = 10
HOURLY = {"poll_interval_minutes": 60}


async def read_again(bus: Bus, mailbox: Mailbox, *, since: date | None = None) -> None:
    """The folder is read for the first time; nothing is left in the queue; then it is read once more."""
    await until_fetched(bus, OLD)
    await until(bus, FetchRunFinished)
    await bus.js.update_stream((await bus.js.stream_info(MAIL.name)).config.evolve(duplicate_window=0.1))
    await forgotten(bus)
    await bus.js.purge_stream(MAIL.name)
    await BackfillBucket(bus.js).ask(mailbox.id, "INBOX", BackfillCursor(since=since))
    await request(bus.client, fetch_subject(mailbox.id), b"", timeout=10)


async def forgotten(bus: Bus) -> None:
    """The broker takes nothing for a duplicate any more: it forgets the oldest first, by a timer of its own."""
    headers = {"Nats-Msg-Id": "the youngest"}
    await bus.js.publish("mail.fetched.nobody", headers=headers)
    async with asyncio.timeout(20):
        while (await bus.js.publish("mail.fetched.nobody", headers=headers)).duplicate:  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.05)


async def until_done(bus: Bus, mailbox: Mailbox) -> None:
    async with asyncio.timeout(20):
        while await BackfillBucket(bus.js).get(mailbox.id, "INBOX"):  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.02)


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "SLICE_MAILS", 2)
    monkeypatch.setattr(backfill, "FEW_ON_THEIR_WAY", 3)
    monkeypatch.setattr(backfill, "LOOK_AGAIN_S", 0.1)


@pytest.mark.usefixtures("small_slices")
async def test_a_new_mail_is_fetched_before_the_rest_of_a_folder_that_is_read_again(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    """The queue is not emptied for a while: the reading waits, and the new mail does not."""
    user.deliver(*[MAIL_BYTES] * OLD)
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await read_again(bus, mailbox)
        await until_fetched(bus, 4)
        user.deliver(MAIL_BYTES)
        events = await until_fetched(bus, 5)
        assert [event.mail.uid for event in events] == [1, 2, 3, 4, OLD + 1]

        while await BackfillBucket(bus.js).get(mailbox.id, "INBOX"):
            await bus.js.purge_stream(MAIL.name, keep=1)
            await asyncio.sleep(0.1)
        assert (await fetched(bus))[-1].mail.uid == OLD
    assert FetchTrigger.BACKFILL in {run.trigger for run in await runs(bus)}


async def test_a_whole_folder_is_read_again_and_the_cursor_stays(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*[MAIL_BYTES] * OLD)
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await read_again(bus, mailbox)
        await until_done(bus, mailbox)
        user.deliver(MAIL_BYTES)
        events = await until_fetched(bus, OLD + 1)
    assert [event.mail.uid for event in events] == list(range(1, OLD + 2))


async def test_mails_before_the_day_are_not_read_again(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*[MAIL_BYTES] * OLD)
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await read_again(bus, mailbox, since=date(2100, 1, 1))
        await until_done(bus, mailbox)
    assert await fetched(bus) == []


@pytest.mark.usefixtures("small_slices")
async def test_a_reading_that_was_interrupted_goes_on_where_it_was(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*[MAIL_BYTES] * OLD)
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await read_again(bus, mailbox)
        await until_fetched(bus, 4)
    await bus.js.purge_stream(MAIL.name)
    async with fetching(bus):
        events = await until_fetched(bus, 4)
    assert [event.mail.uid for event in events[:4]] == [5, 6, 7, 8]
