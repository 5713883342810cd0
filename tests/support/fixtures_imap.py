"""Fixtures: mail servers, one process each for the whole run, a fresh account for each test."""

from collections.abc import Iterator

import pytest

from fetcher.imap.transport.account import Account, Deadlines
from pipeline.contracts.mailbox import Security
from tests.support.dovecot import Dovecot, User, program, running_dovecot


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A Dovecot that can do all that Dovecot can."""
    _ensure_installed()
    with running_dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def old_dovecot() -> Iterator[Dovecot]:
    """A Dovecot that admits to IMAP4rev1 and NAMESPACE only, with every folder below "INBOX."."""
    _ensure_installed()
    with running_dovecot(extra="imap_capability = IMAP4rev1 NAMESPACE", prefix="INBOX.") as server:
        yield server


@pytest.fixture
def user(dovecot: Dovecot) -> User:
    """A fresh account on `dovecot`."""
    return dovecot.user()


@pytest.fixture
def account(dovecot: Dovecot, user: User) -> Account:
    """How to reach `user`, over TLS."""
    return account_of(dovecot, user)


def account_of(server: Dovecot, user: User, **changes: object) -> Account:
    """How to reach `user` on `server`; over TLS unless `changes` say otherwise."""
    facts: dict[str, object] = {
        "host": server.host,
        "port": server.imap_port
        if changes.get("security") in (Security.STARTTLS, Security.NONE)
        else server.imaps_port,
        "username": user.name,
        "secret": user.password,
        "ca_certificate": server.ca_certificate,
    }
    return Account(**{**facts, **changes})  # type: ignore[arg-type]  # the tests name real fields


def scripted_account(port: int, **changes: object) -> Account:
    """How to reach a scripted server, with short deadlines."""
    facts: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "username": "ann",
        "secret": "correct horse",
        "security": Security.NONE,
        "deadlines": Deadlines(connect_s=5, quiet_s=5, command_s=10, idle_s=1),
    }
    return Account(**{**facts, **changes})  # type: ignore[arg-type]  # the tests name real fields


def quiet(level: str, what: str, facts: object) -> None:
    """A protocol log that nobody reads."""


def _ensure_installed() -> None:
    if program() is None:
        pytest.skip("dovecot is not installed; on Debian: apt-get install dovecot-imapd")
