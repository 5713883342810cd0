"""Mails that the filters pass over: neither downloaded nor touched."""

import os
import time
from typing import Any

import pytest

from fetcher.imap.grammar.fetch_answer import MAX_HEADER_BYTES
from pipeline.contracts.events import FetchRunFinished
from pipeline.jetstream.bus import Bus
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import downloaded, fetched, fetching, imap_log, until, until_fetched

DAY_S = 86_400


def mail(sender: str = "noreply@reporter.example", subject: str = "Report domain: example.com") -> bytes:
    return f"From: Somebody <{sender}>\r\nSubject: {subject}\r\n\r\nwords\r\n".encode()


@pytest.mark.parametrize(
    ("filters", "others"),
    [
        ({"subject_contains": ["report domain"]}, [mail(subject="Lunch?"), mail(subject="Domain report")]),
        ({"senders": ["reporter.example"]}, [mail("boss@work.example"), mail("x@notreporter.example")]),
        ({"senders": ["noreply@reporter.example"]}, [mail("bounce@reporter.example")]),
        ({"subject_contains": ["report"], "senders": ["reporter.example"]}, [mail("a@b.example"), mail(subject="Hi")]),
    ],
)
async def test_only_mails_that_pass_are_downloaded(
    bus: Bus, dovecot: Dovecot, user: User, filters: dict[str, Any], others: list[bytes]
) -> None:
    user.deliver(mail(), *others, mail("noreply@reporter.example", "AW: REPORT DOMAIN: example.org"))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, filters=filters))
    async with fetching(bus):
        run = (await until(bus, FetchRunFinished))[0]

    last = len(others) + 2
    assert [event.mail.uid for event in await fetched(bus)] == [1, last]
    assert await downloaded(bus) == [f"1,{last}"]
    assert (run.seen, run.filtered, run.fetched) == (last, len(others), 2)
    assert not any(stored.seen for stored in user.stored())


async def test_a_mail_older_than_the_age_limit_is_passed_over(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(mail(), mail(), mail())
    oldest, newer, _ = sorted((user.maildir / "new").iterdir())
    for file, days in ((oldest, 10), (newer, 5)):
        os.utime(file, times=(time.time() - days * DAY_S,) * 2)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, filters={"max_age_days": 7}))
    async with fetching(bus):
        run = (await until(bus, FetchRunFinished))[0]

    assert await downloaded(bus) == ["2:3"]
    assert (run.seen, run.filtered, run.fetched) == (3, 1, 2)


async def test_passed_mails_are_not_looked_at_again_until_the_filters_change(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    user.deliver(mail("a@first.example"), mail("b@second.example"))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, filters={"senders": ["first.example"]}))
    async with fetching(bus):
        runs = await until(bus, FetchRunFinished, 2)
        assert [run.seen for run in runs[:2]] == [2, 0]
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, filters={"senders": ["second.example"]}))
        events = await until_fetched(bus, 2)
    assert [event.mail.uid for event in events] == [1, 2]


async def test_filters_that_no_mail_passes_move_on_all_the_same(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*[mail() for _ in range(250)])
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, filters={"subject_contains": ["nothing like this"]}))
    async with fetching(bus):
        runs = await until(bus, FetchRunFinished, 2)
    assert [(run.seen, run.filtered, run.fetched) for run in runs[:2]] == [(250, 250, 0), (0, 0, 0)]
    assert await downloaded(bus) == []


@pytest.mark.parametrize(
    "header",
    [
        b"From: " + b"(" * 1000 + b"a@b\r\nSubject: Report domain: x",
        b"From: " + b"(" * 490 + b")" * 490 + b"a@b\r\nSubject: Report domain: x",
        b"From: a@b\r\nSubject: " + b"=?utf-8?q?a?=\r\n " * 100_000 + b"x",
    ],
    ids=["opening-parentheses", "pairs", "encoded-words"],
)
async def test_a_header_made_to_exhaust_a_reader_holds_up_no_other_mail(
    bus: Bus, dovecot: Dovecot, user: User, header: bytes
) -> None:
    user.deliver(mail(), header + b"\r\n\r\nwords\r\n", mail())
    filters = {"subject_contains": ["report domain"], "senders": ["reporter.example"]}
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, filters=filters))
    async with fetching(bus):
        run = (await until(bus, FetchRunFinished))[0]

    assert [event.mail.uid for event in await fetched(bus)] == [1, 3]
    assert (run.category, run.seen, run.filtered) == ("ok", 3, 1)


async def test_the_server_is_asked_for_no_more_of_a_header_than_is_looked_at(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    user.deliver(mail())
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, filters={"subject_contains": ["report domain"]}))
    async with fetching(bus):
        await until(bus, FetchRunFinished)
        asked = [str(line.data["arguments"]) for line in await imap_log(bus, "command")]

    headers = [arguments for arguments in asked if "HEADER.FIELDS" in arguments]
    assert headers
    assert all(f"<0.{MAX_HEADER_BYTES}>" in arguments for arguments in headers)
