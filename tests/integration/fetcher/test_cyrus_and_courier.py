"""The fetcher on two more real mail servers: other folder names (INBOX. before all), no MOVE, no UIDNEXT in SELECT."""

from asyncio import to_thread as in_thread
from collections.abc import AsyncIterator

import pytest

from pipeline.contracts.events import FetchRunFinished
from pipeline.contracts.mail_events import ActResult
from pipeline.contracts.mailbox import Action
from pipeline.jetstream.bus import Bus
from tests.support.client import put_mailbox
from tests.support.fetching import acted, bodies, command, fetching, runs, until, until_fetched
from tests.support.other_imap import OtherServer, running_courier, running_cyrus, unpacked

MAILS = [
    b"From: a@b.example\r\nMessage-ID: <%d@b.example>\r\nSubject: report\r\n\r\nwords %d\r\n" % (n, n)
    for n in range(60)
]


@pytest.fixture(params=["cyrus", "courier"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[OtherServer]:
    if request.param == "cyrus":
        folder = unpacked("cyrus", "usr/lib/cyrus/bin/master")
        if folder is None:
            pytest.skip("Cyrus is not here: sh tests/mail_servers.sh")
        with running_cyrus(folder) as cyrus:
            yield cyrus
        return
    folder = unpacked("courier", "usr/libexec/gam_server")
    if folder is None:
        pytest.skip("Courier is not here: sh tests/mail_servers.sh")
    async with running_courier(folder) as courier:
        yield courier


async def test_mails_are_fetched_and_marked_moved_and_deleted(bus: Bus, server: OtherServer) -> None:
    await in_thread(server.deliver, *MAILS)
    await put_mailbox(bus, server.mailbox())
    async with fetching(bus):
        mails = await until_fetched(bus, len(MAILS))
        events = await acted(
            bus,
            *[command(mail, Action.MARK_READ) for mail in mails[:20]],
            *[command(mail, Action.MOVE, folder="Done") for mail in mails[20:40]],
            *[command(mail, Action.DELETE) for mail in mails[40:]],
        )
        await in_thread(server.deliver, MAILS[0].replace(b"words", b"more"))
        await until_fetched(bus, len(MAILS) + 1)

    assert {event.result for event in events} == {ActResult.DONE}
    assert sorted((await bodies(bus))[: len(MAILS)]) == sorted(MAILS)
    assert await in_thread(server.uids, "INBOX", "SEEN") == list(range(1, 21))
    assert await in_thread(server.uids) == [*range(1, 21), 61]
    assert len(await in_thread(server.uids, "INBOX.Done")) == 20


async def test_a_folder_below_the_prefix_is_not_moved_onto_itself(bus: Bus, server: OtherServer) -> None:
    await in_thread(server.deliver, *MAILS[:2])
    await put_mailbox(bus, server.mailbox(use_idle=False))
    async with fetching(bus):
        mails = await until_fetched(bus, 2)
        await acted(bus, *[command(mail, Action.MOVE, folder="Reports") for mail in mails])
    await put_mailbox(bus, server.mailbox(folder="INBOX.Reports").model_copy(update={"version": 2}))
    async with fetching(bus):
        *_, again = await until_fetched(bus, 4)
        (event,) = await acted(bus, command(again, Action.MOVE, folder="Reports", take=1))
        await until(bus, FetchRunFinished, len(await runs(bus)) + 3)

    assert event.result is ActResult.FAILED
    assert "under another name" in event.detail
    assert await in_thread(server.uids, "INBOX.Reports") == [1, 2]


async def test_an_empty_mailbox_is_well_and_a_mail_that_comes_is_fetched(bus: Bus, server: OtherServer) -> None:
    await put_mailbox(bus, server.mailbox())
    async with fetching(bus):
        await until(bus, FetchRunFinished, 2)
        await in_thread(server.deliver, MAILS[0])
        await until_fetched(bus, 1)

    assert {run.category for run in await runs(bus)} == {"ok"}
