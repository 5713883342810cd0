"""A mailbox is read no faster, and over no more connections, than its settings say."""

from collections.abc import Iterator

import pytest

from fetcher import signals
from fetcher import throttle as pace
from fetcher.reading import filters as reading_filters
from pipeline.contracts.events import ActivityLogged, FetchRunFinished
from pipeline.contracts.mailbox import Action
from pipeline.contracts.questions import LedgerAnswer, LedgerInquiry
from pipeline.contracts.topology import LEDGER_SUBJECT
from pipeline.contracts.topology import MAIL as MAIL_STREAM
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.requests import serving
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User, running_dovecot
from tests.support.fetching import (
    acted,
    bodies,
    command,
    downloaded,
    fetched,
    fetching,
    imap_log,
    runs,
    until,
    until_fetched,
)

MAIL = b"From: a@b.example\r\nSubject: report\r\n\r\nwords\r\n"
OTHER = b"From: a@b.example\r\nSubject: lunch\r\n\r\nwords\r\n"
HOURLY = {"poll_interval_minutes": 60}


@pytest.fixture(scope="module")
def strict_dovecot(dovecot: Dovecot) -> Iterator[Dovecot]:
    """A Dovecot that allows each user a single connection; `dovecot` skips where none is installed."""
    with running_dovecot(extra="mail_max_userip_connections = 1") as server:
        yield server


async def test_without_a_limit_few_mails_are_one_command(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*[MAIL] * 30)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, **HOURLY))
    async with fetching(bus):
        await until(bus, FetchRunFinished)

    assert await downloaded(bus) == ["1:30"]


async def test_a_limit_a_minute_cuts_the_mails_into_shares(
    bus: Bus, dovecot: Dovecot, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MINUTE", 0.3)
    user.deliver(*[MAIL] * 30)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, max_mails_per_minute=10, **HOURLY))
    async with fetching(bus):
        run = (await until(bus, FetchRunFinished))[0]

    assert run.fetched == 30
    shares = await downloaded(bus)
    assert shares[0] == "1:10"
    assert len(shares) >= 3


async def test_more_mails_than_fit_a_window_are_all_fetched_in_order(
    bus: Bus, dovecot: Dovecot, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_filters, "WINDOW_MAILS", 3)
    mails = [OTHER if number % 4 == 0 else MAIL.replace(b"words", b"%d" % number) for number in range(20)]
    user.deliver(*mails)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, filters={"subject_contains": ["report"]}, **HOURLY))
    async with fetching(bus):
        run = (await until(bus, FetchRunFinished))[0]

    assert (run.seen, run.filtered, run.fetched) == (20, 5, 15)
    assert await bodies(bus) == [mail for mail in mails if mail is not OTHER]
    searches = [line for line in await imap_log(bus, "command") if line.data["command"] == "UID SEARCH"]
    assert len(searches) == 1 + 7
    async with fetching(bus):
        await until(bus, FetchRunFinished, 2)
    assert (await runs(bus))[1].seen == 0


async def test_reconciliation_searches_a_large_folder_in_windows(
    bus: Bus, dovecot: Dovecot, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_filters, "WINDOW_MAILS", 3)
    user.deliver(*[OTHER if number % 4 == 0 else MAIL for number in range(10)])
    asked: list[int] = []

    async def knows_all(payload: bytes) -> bytes:
        asked.extend(LedgerInquiry.model_validate_json(payload).uids)
        return LedgerAnswer(unsettled=()).model_dump_json().encode()

    filters = {"subject_contains": ["report"]}
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, filters=filters, poll_interval_minutes=0.005))
    async with serving(bus.client, LEDGER_SUBJECT, knows_all), fetching(bus, reconcile_minutes="0.001"):
        await until_fetched(bus, 7)
        await bus.js.purge_stream(MAIL_STREAM.name)
        await until(bus, ActivityLogged, where=lambda line: line.name == "reconciled")

    assert asked[:7] == [2, 3, 4, 6, 7, 8, 10]
    searches = [line.data for line in await imap_log(bus, "command") if line.data["command"] == "UID SEARCH"]
    asked_by_subject = [str(search["arguments"]) for search in searches if "SUBJECT" in str(search)]
    ranges = {next(word for word in arguments.split() if ":" in word) for arguments in asked_by_subject}
    assert ranges == {"1:3", "4:6", "7:9", "10:10"}


async def test_a_fetcher_that_is_stopped_in_the_middle_goes_on_there(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(*[MAIL] * 30)
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, max_mails_per_minute=10, **HOURLY))
    async with fetching(bus):
        await until_fetched(bus, 10)
    done = len(await fetched(bus))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, **HOURLY))
    async with fetching(bus):
        await until_fetched(bus, 30)

    assert done < 30
    assert [event.mail.uid for event in await fetched(bus)] == list(range(1, 31))


async def test_two_connections_are_one_too_many_for_a_strict_server(bus: Bus, strict_dovecot: Dovecot) -> None:
    user = strict_dovecot.user()
    user.deliver(MAIL)
    await put_mailbox(bus, dovecot_mailbox(strict_dovecot, user, **HOURLY))
    async with fetching(bus):
        (mail,) = await until_fetched(bus, 1)
        await until(bus, FetchRunFinished)
        await bus.publish([command(mail, Action.MARK_READ)])
        failed = (await until(bus, ActivityLogged, where=lambda line: line.name == "failed"))[0]

    assert failed.data["category"] == "throttled"


async def test_with_one_connection_fetching_and_acting_take_turns(bus: Bus, strict_dovecot: Dovecot) -> None:
    user = strict_dovecot.user()
    user.deliver(MAIL, MAIL)
    await put_mailbox(bus, dovecot_mailbox(strict_dovecot, user, max_connections=1, **HOURLY))
    async with fetching(bus):
        first, second = await until_fetched(bus, 2)
        await acted(bus, command(first, Action.MARK_READ))
        user.deliver(MAIL)
        await until_fetched(bus, 3)
        await acted(bus, command(second, Action.MARK_READ))

    assert [mail.seen for mail in user.stored()] == [True, True, False]
    assert await imap_log(bus, "failed") == []


async def test_with_one_connection_a_long_run_lets_others_have_a_turn(
    bus: Bus, strict_dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "TURN_S", 0.0)
    monkeypatch.setattr(pace, "MINUTE", 0.5)
    user = strict_dovecot.user()
    user.deliver(*[MAIL] * 40)
    settings = {"max_connections": 1, "max_mails_per_minute": 10, **HOURLY}
    await put_mailbox(bus, dovecot_mailbox(strict_dovecot, user, **settings))
    async with fetching(bus):
        first = (await until_fetched(bus, 10))[0]
        await acted(bus, command(first, Action.MARK_READ))
        waiting = 40 - len(await fetched(bus))
        await until_fetched(bus, 40)

    assert waiting > 0
    assert user.stored()[0].seen
    assert [event.mail.uid for event in await fetched(bus)] == list(range(1, 41))
