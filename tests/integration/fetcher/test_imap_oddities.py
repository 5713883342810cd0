"""What real mail servers do against the standard, and the plain way that then is taken."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date

import pytest

from fetcher.connection_test import try_connection
from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.fetch_answer import Meta
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account
from pipeline.contracts.connection_test import Category, ConnectionTest
from pipeline.contracts.mailbox import MailboxSettings
from tests.support.fixtures_imap import quiet, scripted_account
from tests.support.imap_oddities_protocol import BAD, COUNTS, DONE, INBOX, listing, one_folder, only, refusing
from tests.support.scripted_imap import SELECTED, Answer, ScriptedImap, Step, scripted_imap

FOUND = b"* SEARCH 1 2 3\r\n" + DONE


@asynccontextmanager
async def opened(
    answers: Mapping[str, Answer], *, capabilities: str = "IMAP4rev1"
) -> AsyncIterator[tuple[ImapSession, ScriptedImap]]:
    """A session with such a server, INBOX open."""
    async with (
        scripted_imap(answers, capabilities=capabilities) as server,
        await ImapSession.open(scripted_account(server.port), log=quiet) as session,
    ):
        await session.select("INBOX")
        yield session, server


async def outcome(answers: Mapping[str, Answer], **settings: object) -> ConnectionTest:
    """The connection test against such a server."""
    async with scripted_imap(answers) as server:
        facts = {"name": "x", "host": "127.0.0.1", "port": server.port, "security": "none", "username": "ann"}
        wanted = MailboxSettings.model_validate({**facts, **settings})
        return await try_connection(
            wanted,
            lambda deadlines: ImapSession.open(
                Account.of(wanted, secret="correct horse", deadlines=deadlines), log=quiet
            ),
        )


@pytest.mark.parametrize("key", ["FROM", "SUBJECT", "SINCE", "OR", "RETURN"])
async def test_a_search_key_that_the_server_does_not_know_is_left_to_the_headers(key: str) -> None:
    answers = {"UID SEARCH": refusing(f"{key} ", otherwise=FOUND)}
    criteria = Criteria(since=date(2024, 5, 6), senders=("a.example", "b.example"), subjects=("report", "dmarc"))
    async with opened(answers, capabilities="IMAP4rev1 ESEARCH") as (session, server):
        assert await session.search(criteria) == [1, 2, 3]
        first = server.commands().count("UID SEARCH")
        assert await session.search(criteria) == [1, 2, 3]
        again = server.commands().count("UID SEARCH") - first

    assert first > 1
    assert again < first


async def test_a_server_that_cannot_search_by_uid_lists_its_mails() -> None:
    listed = b"* 1 FETCH (UID 4)\r\n* 2 FETCH (UID 9)\r\n" + DONE
    async with opened({"UID SEARCH": BAD, "UID FETCH": listed}) as (session, _):
        assert await session.search(Criteria(after_uid=4)) == [9]


async def test_a_search_that_is_denied_for_a_while_is_a_fault_and_no_empty_folder() -> None:
    async with opened({"UID SEARCH": b"{tag} NO [UNAVAILABLE] later\r\n"}) as (session, server):
        with pytest.raises(ImapFault, match="later"):
            await session.search(Criteria(subjects=("x",)))
        assert server.commands().count("UID SEARCH") == 1


SASL = "IMAP4rev1 AUTH=PLAIN SASL-IR"


def no_initial_response(command: str) -> Step | list[Step]:
    """AUTHENTICATE on a server that advertises SASL-IR and does not know it."""
    return BAD if command.count(" ") > 1 else [b"+ \r\n", DONE]


@pytest.mark.parametrize(
    ("answer", "capabilities", "tries"),
    [
        (no_initial_response, SASL, ["AUTHENTICATE", "AUTHENTICATE"]),
        ([b"+ \r\n", DONE], SASL, ["AUTHENTICATE"]),  # it asks for what it was sent already
        (b"{tag} NO AUTHENTICATE failed.\r\n", SASL, ["AUTHENTICATE", "LOGIN"]),
        (BAD, SASL, ["AUTHENTICATE", "AUTHENTICATE", "LOGIN"]),
        (BAD, "IMAP4rev1 AUTH=PLAIN", ["AUTHENTICATE", "LOGIN"]),
    ],
)
async def test_a_sign_in_that_fails_one_way_is_tried_the_next(
    answer: Answer, capabilities: str, tries: list[str]
) -> None:
    async with scripted_imap({"AUTHENTICATE": answer}, capabilities=capabilities) as server:
        async with await ImapSession.open(scripted_account(server.port), log=quiet):
            pass

        assert [name for name in server.commands() if name in ("AUTHENTICATE", "LOGIN")] == tries


@pytest.mark.parametrize("said", [b"{tag} NO LOGIN failed\r\n", b"{tag} NO [AUTHENTICATIONFAILED] no\r\n", BAD])
async def test_a_sign_in_is_never_more_than_three_tries(said: bytes) -> None:
    async with scripted_imap({"AUTHENTICATE": said, "LOGIN": said}, capabilities=SASL) as server:
        with pytest.raises(ImapFault) as caught:
            await ImapSession.open(scripted_account(server.port), log=quiet)
        tries = [name for name in server.commands() if name in ("AUTHENTICATE", "LOGIN")]

    assert caught.value.category is Category.AUTHENTICATION
    assert len(tries) <= 3


@pytest.mark.parametrize("said", [b"NO [UNAVAILABLE] later", b"NO Too many connections", b"NO IMAP is disabled"])
async def test_a_server_that_is_busy_or_denies_imap_is_not_asked_another_way(said: bytes) -> None:
    async with scripted_imap({"AUTHENTICATE": b"{tag} " + said + b"\r\n"}, capabilities=SASL) as server:
        with pytest.raises(ImapFault):
            await ImapSession.open(scripted_account(server.port), log=quiet)

        assert "LOGIN" not in server.commands()


@pytest.mark.parametrize(
    "odd",
    [b"\r\n", b"[COPYUID 7 1 1]\r\n", b"\r\n\r\n\r\n", b"mail server says hello\r\n", b"\x00\xff\r\n", b"* \r\n"],
)
async def test_a_line_that_is_no_answer_is_skipped_and_noted_once(odd: bytes) -> None:
    told: list[str] = []
    fetched = odd + b"* 1 FETCH (UID 1 RFC822.SIZE 5 FLAGS ())\r\n" + odd + DONE
    async with scripted_imap({"UID FETCH": fetched}) as server:
        account = scripted_account(server.port)
        async with await ImapSession.open(account, log=lambda _, name, __: told.append(name)) as session:
            await session.select("INBOX")
            for _ in range(3):
                assert [meta.uid for meta in await session.fetch_meta([1])] == [1]

    assert told.count("skipped") == (0 if odd == b"* \r\n" else 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID 1 BODY[]<0> {5}\r\nwords\r\n)\r\n",
        b"* 1 FETCH (UID 1 BODY[]<0.5> {5}\r\nwords)\r\n",
        b"* 1 FETCH (UID 1 BODY[]<0.99> {5}\r\nwords)\r\n\r\n",
        b"* 1 FETCH (BODY[] {5}\r\nwords UID 1)\r\n",
        b"* 1 FETCH (UID 1 BODY[]<0> {5}\nwords)\n",
        b'* 1 FETCH (UID 1 BODY[]<0> "words")\r\n',
    ],
)
async def test_a_body_that_is_told_oddly_is_read(answer: bytes) -> None:
    async with opened({"UID FETCH": answer + DONE}) as (session, _):
        fetched = [got async for got in session.fetch_bodies([Meta(1, 5, None, frozenset())], max_bytes=100)]

    assert [got.body for got in fetched] == [b"words"]


async def test_a_list_return_that_is_refused_is_asked_plainly_from_then_on() -> None:
    answers = {"LIST": refusing("RETURN", otherwise=INBOX + DONE)}
    async with opened(answers, capabilities="IMAP4rev1 SPECIAL-USE LIST-EXTENDED") as (session, server):
        for _ in range(2):
            assert [folder.name for folder in await session.folders()] == ["INBOX"]

        assert sum("RETURN" in line for line in server.received) == 1


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("Größe".encode(), "Größe"),
        (b"R&D", "R&D"),
        (b"&AEE-bc", "Abc"),
        (b"Reports ", "Reports"),
        (b"&AOQ", "&AOQ"),
    ],
)
async def test_a_folder_is_asked_for_by_the_name_that_the_server_wrote(wire: bytes, name: str) -> None:
    async with scripted_imap(one_folder(wire)) as server:
        async with await ImapSession.open(scripted_account(server.port), log=quiet) as session:
            assert (await session.status(name)).mails == 3
            assert (await session.select(name)).uidvalidity == 7
        result = await outcome(one_folder(wire), folder=name)

    assert result.success, result.summary


@pytest.mark.parametrize(
    ("wanted", "there"), [("Reports/DMARC", b"Reports.DMARC"), ("Reports/DMARC", b"INBOX.Reports.DMARC")]
)
async def test_without_namespace_the_delimiter_is_that_of_the_list(wanted: str, there: bytes) -> None:
    answers = {**one_folder(there), "LIST": listing(b'() "." INBOX', b'() "." ' + there)}

    result = await outcome(answers, folder=wanted)

    assert result.success, result.summary


async def test_uidvalidity_that_select_lacks_is_asked_of_status() -> None:
    answers = {"SELECT": b"* 3 EXISTS\r\n" + DONE, "STATUS": b"* STATUS INBOX " + COUNTS + b"\r\n" + DONE}
    async with opened(answers) as (session, _):
        assert session.selected is not None
        assert (session.selected.uidvalidity, session.selected.uidnext) == (7, 4)

    assert (await outcome({**answers, "LIST": INBOX + DONE})).success


@pytest.mark.parametrize("examine", [SELECTED, DONE])
async def test_the_test_fails_where_polling_would(examine: bytes) -> None:
    answers = {"LIST": INBOX + DONE, "STATUS": b"* STATUS INBOX (MESSAGES 3)\r\n" + DONE, "EXAMINE": examine}

    result = await outcome(answers)

    assert result.success is (examine == SELECTED)
    assert result.success or "UIDVALIDITY" in result.summary


@pytest.mark.parametrize(
    ("said", "category"),
    [
        (b"NO Unsafe Login. Please contact kefu@188.com", Category.PERMISSIONS),
        (b"NO Server Unavailable. 15", Category.CONNECTIVITY),
        (b"NO something that nobody knows", Category.CONNECTIVITY),
        (b"BAD what is this", Category.CONNECTIVITY),
    ],
)
async def test_a_folder_that_is_there_is_never_said_to_be_missing(said: bytes, category: Category) -> None:
    result = await outcome({"LIST": INBOX + DONE, "STATUS": b"{tag} " + said + b"\r\n"})

    assert result.category is category
    assert said.decode().partition(" ")[2] in result.summary
    assert "did you mean" not in result.summary


async def test_what_the_server_says_of_a_missing_folder_is_told() -> None:
    result = await outcome({"LIST": INBOX + DONE, "STATUS": b"{tag} NO not in this house\r\n"}, folder="Inbux")

    assert result.category is Category.MAILBOX_NOT_FOUND
    assert "not in this house" in result.summary


@pytest.mark.parametrize(
    ("said", "category"),
    [
        (b"BAD must issue a STARTTLS command first", Category.TLS),
        (b"NO You are yet to enable IMAP for your account", Category.PERMISSIONS),
        (b"NO my very own words", Category.AUTHENTICATION),
    ],
)
async def test_a_refused_sign_in_says_what_the_server_said(said: bytes, category: Category) -> None:
    result = await outcome({"LOGIN": b"{tag} " + said + b"\r\n"})

    assert result.category is category
    assert said.decode().partition(" ")[2] in result.summary


@pytest.mark.parametrize(
    "said", [b"BAD Command Error. 12", b"BAD unknown command", b"BAD Error in IMAP command UID MOVE"]
)
async def test_a_move_that_is_refused_is_a_copy_from_then_on(said: bytes) -> None:
    answers: dict[str, Answer] = {"UID MOVE": b"{tag} " + said + b"\r\n", "UID SEARCH": b"* SEARCH\r\n" + DONE}
    async with opened(answers, capabilities="IMAP4rev1 MOVE UIDPLUS") as (session, server):
        await session.move([1], "Done")
        await session.move([2], "Done")
        commands = server.commands()

    assert commands.count("UID MOVE") == 1
    assert commands.count("UID COPY") == 2
    assert commands.count("UID EXPUNGE") == 2


@pytest.mark.parametrize("wire", ["Größe".encode(), b"R&D", b"&AEE-bc"])
async def test_mail_is_moved_to_the_folder_by_the_name_that_the_server_wrote(wire: bytes) -> None:
    name = {b"R&D": "R&D", b"&AEE-bc": "Abc"}.get(wire, "Größe")
    answers: dict[str, Answer] = {**one_folder(wire), "UID MOVE": only(wire, DONE), "SELECT": SELECTED}
    async with opened(answers, capabilities="IMAP4rev1 MOVE") as (session, server):
        await session.move([1], name)

        assert f'UID MOVE 1 "{wire.decode()}"' in server.received
        assert "CREATE" not in server.commands()
