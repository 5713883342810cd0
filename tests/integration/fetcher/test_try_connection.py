"""The connection test, against a real Dovecot; and that it never touches a mail."""

from collections.abc import Awaitable
from typing import Any

import pytest

from fetcher import connection_test as trial
from fetcher.connection_test import SignInWithin, try_connection
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account, Deadlines
from pipeline.contracts.connection_test import Category, ConnectionTest
from pipeline.contracts.mailbox import MailboxSettings, Security
from tests.support.dovecot import Dovecot, User
from tests.support.fixtures_imap import quiet
from tests.support.scripted_imap import SILENCE, scripted_imap


def settings_for(server: Dovecot, user: User, **changes: object) -> MailboxSettings:
    facts = {
        "name": "Reports",
        "host": server.host,
        "port": server.imaps_port,
        "username": user.name,
        "ca_certificate": server.ca_certificate,
    }
    return MailboxSettings.model_validate({**facts, **changes})


async def tried(server: Dovecot, user: User, *, secret: str | None = None, **changes: object) -> ConnectionTest:
    settings = settings_for(server, user, **changes)
    return await try_connection(settings, signing_in(settings, user.password if secret is None else secret))


def signing_in(settings: MailboxSettings, secret: str) -> SignInWithin:
    def sign_in(deadlines: Deadlines) -> Awaitable[ImapSession]:
        return ImapSession.open(Account.of(settings, secret=secret, deadlines=deadlines), log=quiet)

    return sign_in


async def test_what_works_is_counted_and_listed(dovecot: Dovecot, user: User) -> None:
    user.deliver(b"Subject: a\r\n\r\n", b"Subject: b\r\n\r\n")
    user.deliver(b"Subject: c\r\n\r\n", flags="ST")
    user.make_folder("Größe")

    result = await tried(dovecot, user)

    assert result.success
    assert result.category is Category.OK
    assert (result.message_count, result.unread_count) == (3, 2)
    assert set(result.folders) == {"INBOX", "Trash", "Größe"}
    assert "3 emails" in result.summary
    assert result.recovery_steps == ()
    assert sorted(mail.flags for mail in user.stored()) == ["", "", "ST"]


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"secret": "wrong"}, Category.AUTHENTICATION),
        ({"secret": ""}, Category.AUTHENTICATION),
        ({"port": 1}, Category.CONNECTIVITY),
        ({"host": "no-such-host.invalid"}, Category.CONNECTIVITY),
        ({"host": "127.0.0.1"}, Category.TLS),
        ({"ca_certificate": None}, Category.TLS),
        ({"security": Security.STARTTLS}, Category.TIMEOUT),
        ({"folder": "Nowhere"}, Category.MAILBOX_NOT_FOUND),
    ],
)
async def test_what_fails_has_a_category_and_steps(
    dovecot: Dovecot, user: User, changes: dict[str, object], category: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "OVERALL_S", 1.5)

    result = await tried(dovecot, user, **changes)  # type: ignore[arg-type]  # `secret` is among the changes

    assert not result.success
    assert result.category is category
    assert result.recovery_steps
    assert result.message_count is None


async def test_a_folder_that_is_misspelled_is_named_with_those_there_are(dovecot: Dovecot, user: User) -> None:
    user.make_folder("Reports")

    result = await tried(dovecot, user, folder="Report")

    assert 'did you mean "Reports"?' in result.summary
    assert "Reports" in result.folders


async def test_all_folders_that_are_read_are_counted_together(dovecot: Dovecot, user: User) -> None:
    user.deliver(b"Subject: a\r\n\r\n")
    user.deliver(b"Subject: b\r\n\r\n", b"Subject: c\r\n\r\n", folder="More")

    result = await tried(dovecot, user, folders=["More"])
    without = await tried(dovecot, user, folders=["More", "Nowhere"])

    assert (result.success, result.message_count, result.unread_count) == (True, 3, 3)
    assert '3 emails in "INBOX", "More"' in result.summary
    assert without.category is Category.MAILBOX_NOT_FOUND
    assert '"Nowhere"' in without.summary


async def test_only_commands_that_change_nothing_are_sent() -> None:
    answers = {
        "LIST": b'* LIST () "/" INBOX\r\n{tag} OK done\r\n',
        "STATUS": b"* STATUS INBOX (MESSAGES 1 UNSEEN 1 UIDVALIDITY 1 UIDNEXT 2)\r\n{tag} OK done\r\n",
    }
    async with scripted_imap(answers) as server:
        settings = MailboxSettings(name="x", host="127.0.0.1", port=server.port, security=Security.NONE, username="ann")
        result = await try_connection(settings, signing_in(settings, "x"))

        assert result.success
        assert set(server.commands()) == {"CAPABILITY", "LOGIN", "LIST", "STATUS", "LOGOUT"}


async def test_a_server_that_never_answers_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "OVERALL_S", 0.3)
    async with scripted_imap({"LIST": SILENCE}) as server:
        settings = MailboxSettings(name="x", host="127.0.0.1", port=server.port, security=Security.NONE, username="ann")
        result = await try_connection(settings, signing_in(settings, "x"))

    assert result.category is Category.TIMEOUT


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_folder_that_email_is_moved_to_is_made_but_not_in_a_dry_run(
    dovecot: Dovecot, user: User, dry_run: bool
) -> None:
    user.deliver(b"Subject: a\r\n\r\n")
    moves: dict[str, Any] = {
        "on_processed": {"action": "move", "folder": "Done"},
        "on_failed": {"action": "move", "folder": "Odd/Ones"},
    }

    result = await tried(dovecot, user, dry_run=dry_run, **moves)

    assert result.success
    assert [user.has_folder(folder) for folder in ("Done", "Odd.Ones")] == [not dry_run, not dry_run]
    assert [mail.flags for mail in user.stored()] == [""]
