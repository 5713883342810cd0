"""Mails on their way from a real mailbox onto a real bus."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from dmarq.embedded import EmbeddedNats
from pipeline.contracts import topology
from pipeline.contracts.events import FetchRunFinished
from pipeline.contracts.limits import KiB
from pipeline.contracts.reasons import Reason
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.ensure import stream_config
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import bodies, downloaded, fetched, fetching, runs, until, until_fetched, until_let_go
from tests.support.mails import part, single


def mails(count: int, *, size: int = 50, start: int = 0) -> list[bytes]:
    """Different mails; each begins with its number."""
    return [single(part(b"%d " % number + b"x" * size, encoding="")) for number in range(start, start + count)]


async def test_a_mail_is_published_once_as_it_is_and_stays_unread(bus: Bus, dovecot: Dovecot, user: User) -> None:
    first, second = mails(3), mails(2, start=3)
    user.deliver(*first)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    async with fetching(bus):
        await until_fetched(bus, 3)
        user.deliver(*second)
        await until_fetched(bus, 5)
        seen = len(await runs(bus))
        await until(bus, FetchRunFinished, seen + 2)

    assert await bodies(bus) == first + second
    assert not any(mail.seen for mail in user.stored())
    assert sum(run.fetched for run in await runs(bus)) == 5
    assert all(run.seen == run.filtered + run.fetched for run in await runs(bus))


async def test_a_restarted_fetcher_goes_on_where_it_was(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*mails(3))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    async with fetching(bus):
        await until(bus, FetchRunFinished)
    before = len(await runs(bus))
    user.deliver(*mails(1, start=3))
    async with fetching(bus):
        events = await until_fetched(bus, 4)
        await until(bus, FetchRunFinished, before + 1)

    assert [event.mail.uid for event in events] == [1, 2, 3, 4]
    assert (await runs(bus))[before].seen == 1


async def test_a_folder_that_was_rebuilt_is_read_again_under_other_ids(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*mails(2))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    async with fetching(bus):
        await until_fetched(bus, 2)
    user.renumber()
    async with fetching(bus):
        events = await until_fetched(bus, 4)

    assert [event.mail.uid for event in events] == [1, 2, 1, 2]
    assert len({event.mail.mail_id for event in events}) == 4
    assert len({event.mail.uidvalidity for event in events}) == 2


async def test_a_mail_over_the_limit_is_refused_without_being_downloaded(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    user.deliver(*mails(1), *mails(1, size=200 * KiB), *mails(1))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    async with fetching(bus, max_mail_bytes=str(100 * KiB)):
        events = await until_fetched(bus, 3)
        run = (await until(bus, FetchRunFinished))[0]

    refused = next(event for event in events if event.mail.uid == 2)
    assert refused.refused is Reason.MAIL_TOO_LARGE
    assert refused.from_address == "dmarc@mail.example"
    assert await downloaded(bus) == ["1,3"]
    assert len(await bodies(bus)) == 2
    assert run.fetched == 3
    assert run.fetched_bytes == sum(len(raw) for raw in await bodies(bus))


async def test_a_mail_too_large_for_the_bus_travels_through_the_object_store(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    large = mails(1, size=3 * 1024 * KiB)
    user.deliver(*large)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    async with fetching(bus):
        await until_fetched(bus, 1)
    assert await bodies(bus) == large


async def test_a_full_stream_is_waited_for_and_no_mail_is_lost_or_doubled(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    await bus.js.update_stream(stream_config(replace(topology.MAIL, max_events=40), replicas=1))
    user.deliver(*mails(130))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    uids: list[int] = []
    async with fetching(bus):
        while len(uids) < 130:
            await until_fetched(bus, min(40, 130 - len(uids)))
            uids += [event.mail.uid for event in await fetched(bus)]
            await bus.js.purge_stream(topology.MAIL.name)
        await until(bus, FetchRunFinished, where=lambda run: run.fetched == 130)
    assert sorted(uids) == list(range(1, 131))


async def test_a_pause_is_heard_while_a_full_stream_is_waited_for(bus: Bus, dovecot: Dovecot, user: User) -> None:
    await bus.js.update_stream(stream_config(replace(topology.MAIL, max_events=3), replicas=1))
    user.deliver(*mails(10))
    mailbox = dovecot_mailbox(dovecot, user)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await until_fetched(bus, 3)
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, enabled=False))
        await until_let_go(bus, mailbox)
        await bus.js.purge_stream(topology.MAIL.name)
        await asyncio.sleep(0.5)
        assert await fetched(bus) == []

        await bus.js.update_stream(stream_config(topology.MAIL, replicas=1))
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=3))
        # The batch was not finished, so its first three come again: under newer settings they are new facts, and the
        # ledger knows those that it has.
        assert {event.mail.uid for event in await until_fetched(bus, 10)} == set(range(1, 11))


async def test_a_broker_that_dies_in_the_middle_costs_no_mail(
    broker: EmbeddedNats, bus: Bus, dovecot: Dovecot, user: User
) -> None:
    user.deliver(*mails(900, size=4000))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user))
    async with fetching(bus):
        await _until_waiting(bus, 50)
        assert broker.child is not None
        broker.child.kill()
        user.deliver(*mails(20, start=900))
        broker.start()
        await _until_waiting(bus, 920)
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, folder="Other"))
        user.deliver(*mails(1), folder="Other")
        await until_fetched(bus, 921)  # changes are heard after the restart too

    uids = [event.mail.uid for event in await fetched(bus) if event.mail.folder == "INBOX"]
    assert sorted(uids) == list(range(1, 921))


async def _until_waiting(bus: Bus, count: int) -> None:
    """Asks in short tries: an answer may be lost with the broker."""
    async with asyncio.timeout(60):
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    if (await bus.js.stream_info(topology.MAIL.name)).state.messages >= count:
                        return
            await asyncio.sleep(0.01)
