"""Mails that the server has and does not give out: they hold up no others, and they end with a reason."""

import pytest

from fetcher import throttle as backoff
from fetcher.reading import withheld
from pipeline.contracts.events import FetchRunFinished
from pipeline.contracts.mailbox import Action
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.cursors import CursorBucket
from tests.support.client import put_mailbox
from tests.support.fetching import downloaded, fetched, fetching, until, until_fetched
from tests.support.scripted_folder import (
    HANGS_UP,
    LEAVES_OUT,
    SAYS_NIL,
    SAYS_NO,
    SAYS_NONSENSE,
    ScriptedFolder,
    scripted_mailbox,
)
from tests.support.scripted_imap import Step, scripted_imap


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withheld, "AT_LEAST_S", 0.0)
    monkeypatch.setattr(backoff, "delay_after", lambda *_, **__: 0.01)


@pytest.mark.usefixtures("short_wait")
@pytest.mark.parametrize("instead", [LEAVES_OUT, SAYS_NIL, SAYS_NO, SAYS_NONSENSE, HANGS_UP])
async def test_a_mail_that_the_server_does_not_give_out_ends_with_a_reason_and_the_others_are_fetched(
    bus: Bus, instead: Step
) -> None:
    async with scripted_imap(ScriptedFolder(4, {2: instead}).answers()) as server:
        await put_mailbox(bus, scripted_mailbox(server.port))
        async with fetching(bus):
            await until_fetched(bus, 4)
            await until(bus, FetchRunFinished, where=lambda run: run.category == "ok")
        stored = await CursorBucket(bus.js).get("scripted", "INBOX")

    assert {event.mail.uid: event.refused for event in await fetched(bus)} == {
        1: None,
        2: "mail_unreadable",
        3: None,
        4: None,
    }
    assert stored.cursor is not None
    assert stored.cursor.last_uid == 4


class _Fragile(ScriptedFolder):
    """Hangs up whenever the header or the bytes of the first mail are asked for."""

    def _fetch(self, command: str) -> Step:
        if "HEADER.FIELDS" in command and 1 in self._uids(command.split(" ")[2]):
            return HANGS_UP
        return super()._fetch(command)


@pytest.mark.usefixtures("short_wait")
@pytest.mark.parametrize("folder", [ScriptedFolder(4, {1: HANGS_UP}), _Fragile(4, {1: HANGS_UP})], ids=["bytes", "all"])
async def test_a_first_mail_that_ends_the_session_does_not_stand_in_the_way(bus: Bus, folder: ScriptedFolder) -> None:
    async with scripted_imap(folder.answers()) as server:
        mailbox = scripted_mailbox(server.port, on_failed={"action": "delete"})
        await put_mailbox(bus, mailbox)
        async with fetching(bus):
            await until_fetched(bus, 4)
            await until(bus, FetchRunFinished, where=lambda run: run.category == "ok")
        stored = await CursorBucket(bus.js).get("scripted", "INBOX")
        events = {event.mail.uid: event for event in await fetched(bus)}

    assert {uid: event.refused for uid, event in events.items()} == {1: "mail_unreadable", 2: None, 3: None, 4: None}
    assert events[1].handling.on_failed.action is Action.NONE  # its bytes are nowhere else
    assert stored.cursor is not None
    assert stored.cursor.last_uid == 4


@pytest.mark.usefixtures("short_wait")
async def test_a_mail_of_which_nothing_is_told_ends_with_a_reason_and_is_never_touched(bus: Bus) -> None:
    """Nobody knows whether the filters would have passed it over."""
    async with scripted_imap(ScriptedFolder(3, no_meta=frozenset({2})).answers()) as server:
        mailbox = scripted_mailbox(server.port, on_failed={"action": "delete"})
        await put_mailbox(bus, mailbox)
        async with fetching(bus):
            await until_fetched(bus, 3)
            await until(bus, FetchRunFinished, where=lambda run: run.category == "ok")
        events = {event.mail.uid: event for event in await fetched(bus)}

    assert {uid: event.refused for uid, event in events.items()} == {1: None, 2: "mail_unreadable", 3: None}
    assert events[2].handling.on_failed.action is Action.NONE
    assert events[3].handling.on_failed.action is Action.DELETE


async def test_what_comes_beside_a_mail_that_is_kept_back_is_published_at_once(bus: Bus) -> None:
    """And the cursor waits: a busy server may give it out later."""
    async with scripted_imap(ScriptedFolder(3, {2: LEAVES_OUT}).answers()) as server:
        await put_mailbox(bus, scripted_mailbox(server.port))
        async with fetching(bus):
            run = (await until(bus, FetchRunFinished))[0]
        stored = await CursorBucket(bus.js).get("scripted", "INBOX")

    assert run.category == "throttled"
    assert [event.mail.uid for event in await fetched(bus)] == [1, 3]
    assert stored.cursor is not None
    assert stored.cursor.last_uid == 1


@pytest.mark.usefixtures("short_wait")
async def test_overload_is_waited_for_and_costs_no_mail(bus: Bus) -> None:
    throttled = b"{tag} NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)\r\n"
    async with scripted_imap(ScriptedFolder(2).answers() | {"UID FETCH": throttled}) as server:
        await put_mailbox(bus, scripted_mailbox(server.port))
        async with fetching(bus):
            runs = await until(bus, FetchRunFinished, 10)
            assert await downloaded(bus) == []

    assert {run.category for run in runs} == {"throttled"}
    assert await fetched(bus) == []
