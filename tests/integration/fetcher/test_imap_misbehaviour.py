"""What a server or a network can do wrong: a scripted server, and a real one that goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fetcher.imap import session as fetcher_session
from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.fetch_answer import Meta
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account, Deadlines
from pipeline.contracts.connection_test import Category
from tests.support.fixtures_imap import quiet, scripted_account
from tests.support.scripted_imap import HANG_UP, SILENCE, Answer, ScriptedImap, scripted_imap

ALL = "IMAP4rev1 UIDPLUS MOVE IDLE ESEARCH NAMESPACE"


def fetch_lines(count: int) -> bytes:
    return b"".join(b"* %d FETCH (UID %d RFC822.SIZE 9 FLAGS ())\r\n" % (n, n) for n in range(1, count + 1))


@asynccontextmanager
async def opened(
    answers: dict[str, Answer], *, capabilities: str = "IMAP4rev1"
) -> AsyncIterator[tuple[ImapSession, ScriptedImap]]:
    """A session with such a server."""
    async with (
        scripted_imap(answers, capabilities=capabilities) as server,
        await ImapSession.open(scripted_account(server.port), log=quiet) as session,
    ):
        yield session, server


async def do_everything(account: Account, *, idle_s: float) -> None:
    """What the fetcher does in its life."""
    async with await ImapSession.open(account, log=quiet) as session:
        await session.folders()
        await session.select("INBOX")
        await session.search(Criteria())
        await session.mark_read([1])
        await session.move([1], "Done")
        await session.wait_for_mail(idle_s)


async def fault_of(answers: dict[str, Answer], *, capabilities: str = ALL) -> ImapFault:
    """What comes of fetching a mail's meta data from such a server."""
    async with opened(answers, capabilities=capabilities) as (session, _):
        await session.select("INBOX")
        with pytest.raises(ImapFault) as caught:
            await session.fetch_meta([1])
    return caught.value


async def test_5000_lines_in_one_answer_are_read() -> None:
    """The bare library recurses once a line, and breaks at about 980."""
    async with opened({"UID FETCH": fetch_lines(5000) + b"{tag} OK done\r\n"}) as (session, _):
        await session.select("INBOX")

        assert [meta.uid for meta in await session.fetch_meta([5, 400])] == [5, 400]


@pytest.mark.parametrize("command", ["UID STORE", "UID MOVE", "UID SEARCH", "SELECT", "LIST", "IDLE", "AUTHENTICATE"])
async def test_a_lost_connection_fails_whatever_waits(command: str) -> None:
    async with scripted_imap({command: HANG_UP}, capabilities=ALL + " AUTH=PLAIN") as server:
        account = scripted_account(server.port, deadlines=Deadlines(quiet_s=60))
        with pytest.raises(ImapFault) as caught:
            await do_everything(account, idle_s=60)

    assert caught.value.category is Category.CONNECTIVITY


@pytest.mark.parametrize("command", ["UID STORE", "SELECT", "IDLE", "LOGIN"])
async def test_a_silent_server_ends_with_the_deadline(command: str) -> None:
    async with scripted_imap({command: SILENCE}, capabilities=ALL) as server:
        account = scripted_account(server.port, deadlines=Deadlines(quiet_s=0.2))
        with pytest.raises(ImapFault) as caught:
            await do_everything(account, idle_s=0.1)

    assert caught.value.category is Category.TIMEOUT


async def test_a_server_that_drips_for_ever_ends_with_the_deadline_of_the_whole_command() -> None:
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK hi\r\n")
        while not writer.is_closing():
            writer.write(b"* 1 EXISTS\r\n")
            await asyncio.sleep(0.02)
        writer.close()
        ended.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    deadlines = Deadlines(connect_s=600, quiet_s=0.2, command_s=0.4)
    try:
        with pytest.raises(ImapFault) as caught:
            await ImapSession.open(scripted_account(port, deadlines=deadlines), log=quiet)
    finally:
        server.close()
    await ended.wait()

    assert caught.value.category is Category.TIMEOUT


async def test_a_session_that_was_cut_short_takes_no_more_commands() -> None:
    async with scripted_imap({"LIST": SILENCE}) as server:
        session = await ImapSession.open(scripted_account(server.port), log=quiet)
        task = asyncio.create_task(session.folders())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        with pytest.raises(ImapFault, match="closed"):
            await session.folders()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"* 1 FETCH (BODY[] {10000000000}\r\n", "announced"),
        (b"* 1 FETCH (UID 1 RFC822.SIZE\r\n{tag} OK done\r\n", "understood"),
        (b"* 1 FETCH " + b"(" * 5000 + b"\r\n{tag} OK done\r\n", "understood"),
        (b"wrongtag OK done\r\n", "understood"),
        (b"+ \r\n" * 10, "again and again"),
        (b"* 1 FETCH (UID 1 FLAGS ())\r\n" * 120_000 + b"{tag} OK done\r\n", "bytes for one command"),
        (b"{tag} BAD no such command\r\n", "no such command"),
    ],
)
async def test_an_answer_that_breaks_the_rules_is_a_fault_and_no_crash(answer: bytes, why: str) -> None:
    assert why in (await fault_of({"UID FETCH": answer})).detail


async def test_a_server_that_sends_far_more_than_it_said_is_stopped() -> None:
    large = b"* 1 FETCH (UID 1 BODY[]<0> {300000}\r\n" + b"x" * 300_000 + b")\r\n"
    meta = Meta(1, 300_000, None, frozenset())
    async with opened({"UID FETCH": large * 9 + b"{tag} OK done\r\n"}) as (session, _):
        await session.select("INBOX")
        with pytest.raises(ImapFault, match="bytes for one command"):
            async for _ in session.fetch_bodies([meta], max_bytes=300_000):
                pass


async def test_a_line_without_an_end_is_refused() -> None:
    assert "line over" in (await fault_of({"UID FETCH": b"* " + b"x" * (2**17)})).detail


async def test_mails_that_the_server_keeps_back_are_not_passed_over() -> None:
    fault = await fault_of({"UID FETCH": b"{tag} OK done\r\n", "UID SEARCH": b"* SEARCH 1\r\n{tag} OK done\r\n"})

    assert fault.category is Category.THROTTLED


async def test_a_goodbye_says_why_the_connection_was_lost() -> None:
    fault = await fault_of({"UID FETCH": b"* BYE [THROTTLED] slow down" + b"\r\n" + HANG_UP})

    assert fault.category is Category.THROTTLED


@pytest.mark.parametrize(
    ("greeting", "category"),
    [
        (b"* BYE Too many connections from your address\r\n" + HANG_UP, Category.THROTTLED),
        (b"* BYE not today\r\n", Category.CONNECTIVITY),
        (b"220 mail.example ESMTP\r\n", Category.CONNECTIVITY),
        (HANG_UP, Category.CONNECTIVITY),
        (SILENCE, Category.TIMEOUT),
    ],
)
async def test_a_greeting_that_is_no_welcome_is_a_fault_at_once(greeting: bytes, category: Category) -> None:
    async with scripted_imap(greeting=greeting) as server:
        with pytest.raises(ImapFault) as caught:
            await ImapSession.open(scripted_account(server.port, deadlines=Deadlines(connect_s=0.5)), log=quiet)

    assert caught.value.category is category


async def test_a_preauthenticated_connection_needs_no_password() -> None:
    async with scripted_imap(greeting=b"* PREAUTH hello ann\r\n") as server:
        async with await ImapSession.open(scripted_account(server.port), log=quiet) as session:
            await session.select("INBOX")

        assert not {"LOGIN", "AUTHENTICATE"} & set(server.commands())


async def test_a_star_inside_a_folder_name_stays() -> None:
    """The bare library removes every "* " inside a line."""
    listed = b'* LIST () "/" "a * b"\r\n{tag} OK done\r\n'
    async with opened({"LIST": listed}) as (session, _):
        assert [folder.name for folder in await session.folders()] == ["a * b"]


async def test_a_read_only_folder_is_not_changed() -> None:
    answer = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK [READ-ONLY] opened\r\n"
    async with scripted_imap({"SELECT": answer}, capabilities=ALL) as server:
        async with await ImapSession.open(scripted_account(server.port), log=quiet) as session:
            await session.select("INBOX")
            with pytest.raises(ImapFault) as caught:
                await session.move([1], "Done")

        assert caught.value.category is Category.PERMISSIONS
        assert "UID MOVE" not in server.commands()


@pytest.mark.parametrize("refusal", [b"{tag} NO not now\r\n", b"{tag} BAD Could not parse command\r\n"])
async def test_where_idle_is_refused_the_session_lives_on_without_it(
    monkeypatch: pytest.MonkeyPatch, refusal: bytes
) -> None:
    monkeypatch.setattr(fetcher_session, "NOOP_EVERY_S", 0.05)
    async with opened({"IDLE": refusal}, capabilities=ALL) as (session, server):
        await session.select("INBOX")

        assert await session.wait_for_mail(0.2) is False
        assert server.commands().count("IDLE") == 1
        assert server.commands().count("NOOP") > 1
        assert session.alive


async def test_idle_ends_cleanly_although_the_server_agreed_to_it_late() -> None:
    async with scripted_imap(
        {"IDLE": [b"+ idling\r\n* 4 EXISTS\r\n", b"{tag} OK done\r\n"]}, capabilities=ALL
    ) as server:
        async with await ImapSession.open(scripted_account(server.port), log=quiet) as session:
            await session.select("INBOX")

            await session.wait_for_mail(0)
            assert await session.wait_for_mail(5)

        assert server.received.count("DONE") == 1


async def test_a_mail_that_is_announced_while_others_are_fetched_ends_the_next_wait_at_once() -> None:
    fetched = b"* 4 EXISTS\r\n* 1 FETCH (UID 1 RFC822.SIZE 1 FLAGS ())\r\n{tag} OK done\r\n"
    searched = b"* 4 EXISTS\r\n* SEARCH 1 2 3 4\r\n{tag} OK done\r\n"
    answers: dict[str, Answer] = {"UID FETCH": fetched, "UID SEARCH": searched, "IDLE": b"+ idling\r\n"}
    async with opened(answers, capabilities="IMAP4rev1 IDLE") as (session, server):
        await session.select("INBOX")
        await session.fetch_meta([1])
        assert await session.wait_for_mail(60)
        assert "IDLE" not in server.commands()

        await session.search(Criteria())  # says "4 EXISTS" once more, which is no news
        waiting = asyncio.create_task(session.wait_for_mail(60))
        while "IDLE" not in server.commands():  # noqa: ASYNC110 the server does not tell
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_a_mail_that_takes_the_place_of_a_removed_one_is_announced_too() -> None:
    changed = b"* 2 EXPUNGE\r\n* 3 EXISTS\r\n* SEARCH 1 3 4\r\n{tag} OK done\r\n"
    async with opened({"UID SEARCH": changed}) as (session, _):
        await session.select("INBOX")
        await session.search(Criteria())
        assert await session.wait_for_mail(60)
