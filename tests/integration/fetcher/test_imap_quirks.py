"""What servers and networks do that a client must not be talked out of, or be stopped by."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest
import uvloop

from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account, Deadlines
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Security
from tests.support.dovecot import Dovecot, User
from tests.support.fixtures_imap import account_of, quiet, scripted_account
from tests.support.proxy import FaultyProxy
from tests.support.scripted_folder import scripted_mailbox
from tests.support.scripted_imap import HANG_UP, scripted_imap

ALL = "IMAP4rev1 UIDPLUS MOVE IDLE ESEARCH NAMESPACE"


@pytest.mark.parametrize(
    ("capabilities", "greeting", "answer"),
    [
        ("IMAP4rev1", b"* OK hi\r\n", b"{tag} OK go\r\n"),
        ("IMAP4rev1 STARTTLS", b"* PREAUTH hi\r\n", b"{tag} OK go\r\n"),
        ("IMAP4rev1 STARTTLS", b"* OK hi\r\n", b"{tag} OK go\r\n* CAPABILITY IMAP4rev1 INJECTED\r\n"),
        ("IMAP4rev1 STARTTLS", b"* OK hi\r\n", b"{tag} OK go\r\nhalf a line"),
    ],
)
async def test_starttls_is_not_talked_out_of(capabilities: str, greeting: bytes, answer: bytes) -> None:
    async with scripted_imap({"STARTTLS": answer}, capabilities=capabilities, greeting=greeting) as server:
        with pytest.raises(ImapFault) as caught:
            await ImapSession.open(scripted_account(server.port, security=Security.STARTTLS), log=quiet)

        assert caught.value.category is Category.TLS
        assert not {"LOGIN", "AUTHENTICATE"} & set(server.commands())


async def test_a_password_is_not_sent_where_login_is_disabled() -> None:
    async with scripted_imap(capabilities="IMAP4rev1 LOGINDISABLED") as server:
        with pytest.raises(ImapFault) as caught:
            await ImapSession.open(scripted_account(server.port), log=quiet)

        assert caught.value.category is Category.TLS
        assert server.commands() == ["CAPABILITY"]


@pytest.mark.parametrize("sasl_ir", ["", " SASL-IR"])
@pytest.mark.parametrize(("mechanism", "reply"), [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")])
async def test_a_refused_token_is_answered_so_that_the_server_says_no(mechanism: str, reply: str, sasl_ir: str) -> None:
    challenge = b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"
    answer = [*([] if sasl_ir else [b"+ \r\n"]), challenge, b"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials\r\n"]
    async with scripted_imap({"AUTHENTICATE": answer}, capabilities=f"IMAP4rev1 AUTH={mechanism}{sasl_ir}") as server:
        with pytest.raises(ImapFault) as caught:
            await ImapSession.open(scripted_account(server.port, auth="xoauth2"), log=quiet)

        assert caught.value.category is Category.AUTH_EXPIRED
        assert 'the server said: "Invalid credentials {"status":"400"}"' in caught.value.detail
        assert server.received[-1] == reply


async def test_a_password_goes_as_a_sasl_response_without_sasl_ir() -> None:
    answer = [b"+ \r\n", b"{tag} OK hello\r\n"]
    async with scripted_imap({"AUTHENTICATE": answer}, capabilities="IMAP4rev1 AUTH=PLAIN") as server:
        async with await ImapSession.open(scripted_account(server.port, username="ä", secret="p"), log=quiet):
            pass

        assert server.received[1:3] == ["AUTHENTICATE PLAIN", "AMOkAHA="]


ECHOES = [
    b'{tag} BAD Unknown command: LOGIN "ann" "s3cret \\"pw\\""\r\n',
    b'{tag} NO no such user with S3CRET "PW" here\r\n',
    b"{tag} NO bad response AGFubgBzM2NyZXQgInB3Ig==\r\n",
    b"* BYE cannot understand s3cret" + HANG_UP,
    b'* BYE cannot understand s3cret "pw"\r\n' + HANG_UP,
    b'wrongtag BAD s3cret "pw"\r\n',
]


@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN SASL-IR"])
@pytest.mark.parametrize("echo", ECHOES)
async def test_a_password_that_the_server_repeats_is_told_to_nobody(echo: bytes, capabilities: str) -> None:
    told: list[object] = []
    async with scripted_imap({"LOGIN": echo, "AUTHENTICATE": echo}, capabilities=capabilities) as server:
        account = scripted_account(server.port, secret='s3cret "pw"')
        with pytest.raises(ImapFault) as caught:
            await ImapSession.open(account, log=lambda *line: told.append(line))

    for text in (repr(told), caught.value.detail):
        assert not any(piece in text.lower() for piece in ("s3cret", "bzm2nyzxqginb3i"))


async def test_what_a_server_says_to_a_wrong_password_is_told() -> None:
    async with scripted_imap({"LOGIN": b"{tag} NO ask the help desk for an app password\r\n"}) as server:
        account = scripted_account(server.port)
        with pytest.raises(ImapFault, match="ask the help desk"):
            await ImapSession.open(account, log=quiet)


async def test_a_session_that_ends_with_its_token_is_made_again_and_no_sign_in_that_failed() -> None:
    farewell = b"+ idling\r\n* BYE Session invalidated - AccessTokenExpired\r\n" + HANG_UP
    async with scripted_imap({"IDLE": farewell}, capabilities=ALL) as server:
        account = scripted_account(server.port)
        async with await ImapSession.open(account, log=quiet) as session:
            await session.select("INBOX")
            with pytest.raises(ImapFault, match="AccessTokenExpired") as caught:
                await session.wait_for_mail(5)

    assert caught.value.category is Category.CONNECTIVITY


async def test_waiting_without_news_leaves_no_line_in_the_log() -> None:
    lines: list[object] = []
    idle = [b"+ idling\r\n", b"{tag} OK done\r\n"]
    async with scripted_imap({"IDLE": idle}, capabilities=ALL) as server:
        account = scripted_account(server.port, deadlines=Deadlines(idle_s=0.05))
        async with await ImapSession.open(account, log=lambda *line: lines.append(line)) as session:
            await session.select("INBOX")
            before = len(lines)
            await session.wait_for_mail(0.3)
            assert server.commands().count("IDLE") > 1
            assert lines[before:] == []


async def test_a_connection_that_others_can_read_is_logged_as_unsafe() -> None:
    lines: list[str] = []
    async with scripted_imap() as server:
        mailbox = scripted_mailbox(server.port)
        account = Account.of(mailbox.settings, secret="correct horse")
        async with await ImapSession.open(account, log=lambda level, name, _: lines.append(f"{level} {name}")):
            pass

    assert "warning unsafe" in lines


async def test_a_search_without_ascii_falls_back_to_the_headers_where_the_charset_is_unknown() -> None:
    answer = b"* SEARCH 1 2\r\n{tag} NO [BADCHARSET (US-ASCII)] unknown\r\n"
    async with scripted_imap({"UID SEARCH": answer}) as server:
        async with await ImapSession.open(scripted_account(server.port), log=quiet) as session:
            await session.select("INBOX")
            with pytest.raises(ImapFault):
                await session.search(Criteria(subjects=("für",)))

        searches = [line for line in server.received if line.startswith("UID SEARCH")]
        assert searches == ["UID SEARCH CHARSET UTF-8 UID 1:* SUBJECT {4}für", "UID SEARCH UID 1:*"]


async def test_a_charset_is_not_named_for_ascii() -> None:
    async with scripted_imap() as server:
        async with await ImapSession.open(scripted_account(server.port), log=quiet) as session:
            await session.select("INBOX")
            await session.search(Criteria(subjects=("report",)))

        assert not any("CHARSET" in line for line in server.received)


async def test_gmail_is_not_asked_for_parts_of_words_and_what_is_deleted_goes_to_its_trash() -> None:
    listed = b'* LIST (\\HasNoChildren \\Trash) "/" "[Gmail]/Papierkorb"\r\n{tag} OK done\r\n'
    async with scripted_imap({"LIST": listed}, capabilities=ALL + " X-GM-EXT-1") as server:
        async with await ImapSession.open(scripted_account(server.port), log=quiet) as session:
            await session.select("INBOX")
            await session.search(Criteria(subjects=("eport",)))
            await session.delete([5])

        assert "UID SEARCH RETURN (ALL) UID 1:*" in server.received
        assert 'UID MOVE 5 "[Gmail]/Papierkorb"' in server.received


async def test_what_is_deleted_on_gmail_with_a_hidden_bin_is_told_to_be_only_archived() -> None:
    lines: list[str] = []
    listed = b'* LIST (\\HasNoChildren) "/" "INBOX"\r\n{tag} OK done\r\n'
    async with scripted_imap({"LIST": listed}, capabilities=ALL + " X-GM-EXT-1") as server:
        account = scripted_account(server.port)
        async with await ImapSession.open(account, log=lambda _, name, __: lines.append(name)) as session:
            await session.select("INBOX")
            await session.delete([5])

    assert "only_archived" in lines


REFUSALS = [b"Done doesn't exist.", b"The requested item could not be found.", b"UID MOVE failed", b"[TRYCREATE] no"]


@pytest.mark.parametrize("said", REFUSALS)
async def test_a_missing_target_is_created_in_whatever_words_the_server_says_so(said: bytes) -> None:
    created = False

    def move(_: str) -> bytes:
        return b"{tag} OK done\r\n" if created else b"{tag} NO " + said + b"\r\n"

    def create(_: str) -> bytes:
        nonlocal created
        created = True
        return b"{tag} OK done\r\n"

    listed = b'* LIST () "/" "INBOX"\r\n{tag} OK done\r\n'
    async with scripted_imap({"UID MOVE": move, "CREATE": create, "LIST": listed}, capabilities=ALL) as server:
        account = scripted_account(server.port)
        async with await ImapSession.open(account, log=quiet) as session:
            await session.select("INBOX")
            await session.move([1], "Done")

        assert 'CREATE "Done"' in server.received
        assert server.commands().count("UID MOVE") == 2


@pytest.mark.parametrize(("said", "lists"), [(b"UID MOVE failed", 1), (b"[NOPERM] no", 0), (b"access denied", 0)])
async def test_a_target_that_is_there_is_not_created(said: bytes, lists: int) -> None:
    listed = b'* LIST () "/" "Done"\r\n{tag} OK done\r\n'
    refusal = b"{tag} NO " + said + b"\r\n"
    async with scripted_imap({"UID MOVE": refusal, "LIST": listed}, capabilities=ALL) as server:
        account = scripted_account(server.port)
        async with await ImapSession.open(account, log=quiet) as session:
            await session.select("INBOX")
            with pytest.raises(ImapFault):
                await session.move([1], "Done")

        assert "CREATE" not in server.commands()
        assert (server.commands().count("LIST"), server.commands().count("UID MOVE")) == (lists, 1)


async def test_nothing_secret_and_no_mail_is_formatted_for_the_librarys_debug_log(
    dovecot: Dovecot, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    user.deliver(b"Subject: x\r\n\r\nbody-nobody-may-see\r\n")
    with caplog.at_level(logging.DEBUG):
        async with await ImapSession.open(account_of(dovecot, user), log=quiet) as session:
            await session.select("INBOX")
            async for _ in session.fetch_bodies(await session.fetch_meta([1]), max_bytes=100):
                pass

    assert user.password not in caplog.text
    assert "AGNvcnJ" not in caplog.text
    assert "body-nobody-may-see" not in caplog.text


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("security", list(Security))
def test_a_connection_cut_in_idle_is_noticed(
    dovecot: Dovecot, user: User, security: Security, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    direct = account_of(dovecot, user, security=security)

    async def cut_while_waiting() -> None:
        async with (
            FaultyProxy(port=direct.port) as proxy,
            await ImapSession.open(replace(direct, port=proxy.port), log=quiet) as session,
        ):
            await session.select("INBOX")
            waiting = asyncio.create_task(session.wait_for_mail(60))
            await asyncio.sleep(0.1)
            proxy.cut()
            await waiting

    with pytest.raises(ImapFault) as caught:
        run(cut_while_waiting())

    assert caught.value.category is Category.CONNECTIVITY


async def test_a_half_open_connection_ends_with_the_deadline(dovecot: Dovecot, user: User) -> None:
    async with FaultyProxy(port=dovecot.imaps_port) as proxy:
        account = account_of(dovecot, user, port=proxy.port, deadlines=Deadlines(quiet_s=0.3))
        async with await ImapSession.open(account, log=quiet) as session:
            await session.select("INBOX")
            proxy.hang()

            with pytest.raises(ImapFault) as caught:
                await session.mark_read([1])

    assert caught.value.category is Category.TIMEOUT
