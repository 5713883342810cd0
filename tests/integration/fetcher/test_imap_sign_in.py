"""Reaching a server and signing in: a real Dovecot with TLS, STARTTLS, passwords and tokens."""

import pytest
import uvloop

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.session import ImapSession
from fetcher.imap.sign_in import sign_in
from fetcher.imap.transport.account import Account, Deadlines
from fetcher.imap.transport.connect import connect
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Security
from tests.support.dovecot import Dovecot, User
from tests.support.fixtures_imap import account_of, quiet

PASSWORDS = ["plain", "with space", 'quo"te\\back', "pässwörd 台", "{5}", "(*)%", "ends with \\", " * OK ", "bell\a"]


@pytest.mark.parametrize(
    ("security", "version"), [(Security.TLS, "TLSv1.3"), (Security.STARTTLS, "TLSv1.3"), (Security.NONE, None)]
)
async def test_the_connection_is_as_secure_as_asked_for(
    dovecot: Dovecot, user: User, security: Security, version: str | None
) -> None:
    async with await ImapSession.open(account_of(dovecot, user, security=security), log=quiet) as session:
        assert session.tls_version == version
        assert (await session.status("INBOX")).mails == 0


@pytest.mark.parametrize("security", list(Security))
def test_the_loop_that_the_services_run_on_does_the_same(dovecot: Dovecot, user: User, security: Security) -> None:
    """uvloop has its own way to connect and to start TLS."""

    async def count() -> int:
        async with await ImapSession.open(account_of(dovecot, user, security=security), log=quiet) as session:
            return (await session.status("INBOX")).mails

    assert uvloop.run(count()) == 0


@pytest.mark.parametrize("password", PASSWORDS)
async def test_any_password_signs_in(dovecot: Dovecot, password: str) -> None:
    user = dovecot.user(password=password)

    async with await ImapSession.open(account_of(dovecot, user), log=quiet) as session:
        assert "MOVE" in session.capabilities


@pytest.mark.parametrize("name", ['ann "b"@example.com', "with space", "müller@example.com", "back\\slash"])
async def test_any_user_name_signs_in(dovecot: Dovecot, name: str) -> None:
    async with await ImapSession.open(account_of(dovecot, dovecot.user(name)), log=quiet) as session:
        await session.folders()


@pytest.mark.parametrize("password", PASSWORDS)
async def test_any_password_signs_in_with_the_login_command(dovecot: Dovecot, password: str) -> None:
    account = account_of(dovecot, dovecot.user(password=password))
    connection = await connect(account, log=quiet)
    connection.capabilities -= {"AUTH=PLAIN"}  # as on an old server

    async with ImapSession(connection) as session:
        await sign_in(connection, account)
        assert (await session.status("INBOX")).mails == 0


async def test_capabilities_are_those_of_a_signed_in_user(account: Account) -> None:
    async with await ImapSession.open(account, log=quiet) as session:
        assert {"IDLE", "MOVE", "UIDPLUS", "ESEARCH", "NAMESPACE"} <= session.capabilities
        assert not any("]" in word or "[" in word for word in session.capabilities)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_token_signs_in(dovecot: Dovecot, user: User, security: Security) -> None:
    account = account_of(dovecot, user, auth="xoauth2", secret=dovecot.token(user), security=security)

    async with await ImapSession.open(account, log=quiet) as session:
        assert (await session.status("INBOX")).mails == 0


async def test_an_expired_token_is_refused_at_once_and_named_so(dovecot: Dovecot, user: User) -> None:
    """The bare library leaves the server's challenge unanswered and waits."""
    account = account_of(dovecot, user, auth="xoauth2", secret=dovecot.token(user, lasts_s=-60))

    with pytest.raises(ImapFault) as caught:
        await ImapSession.open(account, log=quiet)

    assert caught.value.category is Category.AUTH_EXPIRED


@pytest.mark.parametrize("security", list(Security))
async def test_a_wrong_password_is_named_so_and_told_to_nobody(
    dovecot: Dovecot, user: User, security: Security
) -> None:
    told: list[object] = []
    account = account_of(dovecot, user, secret="hunter2-wrong", security=security)

    with pytest.raises(ImapFault) as caught:
        await ImapSession.open(account, log=lambda *facts: told.append(facts))

    assert caught.value.category is Category.AUTHENTICATION
    assert "hunter2" not in f"{caught.value} {told} {account}"


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_certificate_of_an_unknown_ca_is_refused(dovecot: Dovecot, user: User, security: Security) -> None:
    with pytest.raises(ImapFault) as caught:
        await ImapSession.open(account_of(dovecot, user, security=security, ca_certificate=None), log=quiet)

    assert caught.value.category is Category.TLS


async def test_a_certificate_of_another_host_is_refused(dovecot: Dovecot, user: User) -> None:
    with pytest.raises(ImapFault) as caught:
        await ImapSession.open(account_of(dovecot, user, host="127.0.0.1"), log=quiet)

    assert caught.value.category is Category.TLS


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_verification_can_be_switched_off(dovecot: Dovecot, user: User, security: Security) -> None:
    account = account_of(
        dovecot, user, host="127.0.0.1", security=security, ca_certificate=None, verify_certificate=False
    )

    async with await ImapSession.open(account, log=quiet) as session:
        assert session.tls_version == "TLSv1.3"


async def test_a_ca_certificate_that_is_none_is_named_so(dovecot: Dovecot, user: User) -> None:
    with pytest.raises(ImapFault, match="PEM") as caught:
        await ImapSession.open(account_of(dovecot, user, ca_certificate="no certificate"), log=quiet)

    assert caught.value.category is Category.TLS


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"port": 1}, Category.CONNECTIVITY),
        ({"host": "no-such-host.invalid"}, Category.CONNECTIVITY),
        ({"host": "a..b"}, Category.CONNECTIVITY),
        ({"host": "x" * 70}, Category.CONNECTIVITY),
    ],
)
async def test_a_wrong_host_or_port_is_named_so(
    dovecot: Dovecot, user: User, changes: dict[str, object], category: Category
) -> None:
    with pytest.raises(ImapFault) as caught:
        await ImapSession.open(account_of(dovecot, user, **changes), log=quiet)

    assert caught.value.category is category


async def test_tls_on_a_port_for_plain_text_is_named_so(dovecot: Dovecot, user: User) -> None:
    with pytest.raises(ImapFault) as caught:
        await ImapSession.open(account_of(dovecot, user, port=dovecot.imap_port), log=quiet)

    assert caught.value.category is Category.TLS


async def test_plain_text_on_a_port_for_tls_ends_with_the_deadline(dovecot: Dovecot, user: User) -> None:
    account = account_of(
        dovecot, user, port=dovecot.imaps_port, security=Security.NONE, deadlines=Deadlines(connect_s=0.3)
    )

    with pytest.raises(ImapFault) as caught:
        await ImapSession.open(account, log=quiet)

    assert caught.value.category is Category.TIMEOUT


async def test_too_many_connections_are_throttling(dovecot: Dovecot, user: User) -> None:
    account = account_of(dovecot, user)
    sessions = [await ImapSession.open(account, log=quiet) for _ in range(10)]

    with pytest.raises(ImapFault) as caught:
        await ImapSession.open(account, log=quiet)
    for session in sessions:
        await session.logout()

    assert caught.value.category is Category.THROTTLED
