"""The demo's mail server does what the fetcher needs of one."""

import imaplib
from collections.abc import Iterator
from datetime import date

import pytest

from dmarq.embedded import EmbeddedMailbox, temporary_data_dir
from dmarq.samples import SampleMail, make_mails

MAILS, SEED, UNTIL = 30, 7, date(2026, 11, 1)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedMailbox]:
    with temporary_data_dir() as data, EmbeddedMailbox(data, mails=MAILS, seed=SEED, until=UNTIL) as server:
        yield server


@pytest.fixture
def client(server: EmbeddedMailbox) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(server.host, server.account.port) as client:
        client.login(server.account.username, server.account.password)
        client.select("INBOX")
        yield client


@pytest.fixture(scope="module")
def samples() -> list[SampleMail]:
    return list(make_mails(MAILS, SEED, until=UNTIL))


def uids(client: imaplib.IMAP4, *criteria: str) -> list[str]:
    _, (found,) = client.uid("SEARCH", *criteria)
    return [uid.decode() for uid in found.split()]


def test_the_mails_are_there_byte_for_byte_in_order(client: imaplib.IMAP4, samples: list[SampleMail]) -> None:
    fetched = [client.uid("FETCH", uid, "(UID BODY.PEEK[])")[1][0][1] for uid in uids(client, "UID", "1:*")]

    assert [sample.raw for sample in samples] == fetched


def test_looking_at_a_mail_leaves_it_unread(client: imaplib.IMAP4) -> None:
    client.uid("FETCH", uids(client, "ALL")[0], "(BODY.PEEK[])")
    _, (status,) = client.status("INBOX", "(MESSAGES UNSEEN UIDVALIDITY UIDNEXT)")

    assert f"MESSAGES {MAILS} UNSEEN {MAILS} UIDVALIDITY".encode() in status


def test_a_search_looks_into_headers_and_dates(client: imaplib.IMAP4, samples: list[SampleMail]) -> None:
    tips = [sample for sample in samples if b"Subject: Ten tips\r\n" in sample.raw]

    assert len(uids(client, "SUBJECT", '"Ten tips"')) == len(tips)
    assert len(uids(client, "SINCE", "1-Jan-2020")) == MAILS
    assert uids(client, "SINCE", "1-Jan-2030") == []


def test_a_mail_is_marked_moved_and_deleted(server: EmbeddedMailbox) -> None:
    with imaplib.IMAP4(server.host, server.account.port) as client:
        client.login(server.account.username, server.account.password)
        client.create("Work")
        client.append("Work", "", "", b"Subject: one\r\n\r\n")
        client.create("Done")
        client.select("Work")
        (uid,) = uids(client, "ALL")
        client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")
        client.uid("MOVE", uid, "Done")
        client.select("Done")
        (moved,) = uids(client, "SEEN")
        client.uid("STORE", moved, "+FLAGS.SILENT", r"(\Deleted)")
        client.uid("EXPUNGE", moved)

        assert uids(client, "ALL") == []


def test_the_capabilities_of_a_real_server_are_there(client: imaplib.IMAP4) -> None:
    _, (line,) = client.capability()

    assert {b"UIDPLUS", b"MOVE", b"IDLE"} <= set(line.split())


def test_a_wrong_password_is_refused(server: EmbeddedMailbox) -> None:
    with imaplib.IMAP4(server.host, server.account.port) as client, pytest.raises(imaplib.IMAP4.error):
        client.login(server.account.username, "wrong")
