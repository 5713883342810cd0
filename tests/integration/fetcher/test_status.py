"""How a mailbox is doing, as its fetcher tells it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from fetcher.__main__ import body
from fetcher.status import StatusBoard
from pipeline.contracts import status as status_rules
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.status import MailboxStatus, State
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.ensure import forget_mailbox
from pipeline.jetstream.mailboxes import MailboxBucket
from pipeline.jetstream.statuses import StatusBucket
from pipeline.runtime.service import Frame
from pipeline.secrets import Keyring
from pipeline.settings import Settings
from pipeline.telemetry.health import Readiness
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import TIMEOUT, fetching
from tests.support.proxy import FaultyProxy
from tests.support.services import SECRET_KEY

MAIL = b"From: a@b.example\r\nSubject: report\r\n\r\nwords\r\n"
HOURLY = {"poll_interval_minutes": 60}


async def until_status(bus: Bus, mailbox: Mailbox, fits: Callable[[MailboxStatus], bool]) -> MailboxStatus:
    async with asyncio.timeout(TIMEOUT):
        while True:
            found = await StatusBucket(bus.js).get(mailbox.id)
            if found is not None and fits(found):
                return found
            await asyncio.sleep(0.05)


def in_state(state: State) -> Callable[[MailboxStatus], bool]:
    return lambda found: found.state is state


def metric(name: str, mailbox: Mailbox, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"mailbox": mailbox.id, **labels})


async def test_a_mailbox_that_waits_for_mail_tells_when_it_looked_and_when_it_will(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    user.deliver(MAIL)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        found = await until_status(bus, mailbox, in_state(State.IDLE))
        assert metric("dmarq_mailbox_state", mailbox, state="idle") == 1
        assert metric("dmarq_mailbox_overdue", mailbox) == 0
        assert metric("dmarq_mailbox_next_poll_timestamp_seconds", mailbox) is not None

    assert found.last_poll_at is not None
    assert found.last_success_at is not None
    assert found.next_poll_at is not None
    assert found.last_poll_at <= found.last_success_at < found.next_poll_at
    assert (found.category, found.behind, found.progress) == ("ok", 0, None)
    assert found.holder


async def test_one_that_is_not_connected_in_between_sleeps(bus: Bus, dovecot: Dovecot, user: User) -> None:
    mailbox = dovecot_mailbox(dovecot, user, use_idle=False, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await until_status(bus, mailbox, in_state(State.SLEEPING))


async def test_what_went_wrong_is_told_with_the_next_try(bus: Bus, dovecot: Dovecot, user: User) -> None:
    mailbox = dovecot_mailbox(dovecot, user, port=1, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        found = await until_status(bus, mailbox, in_state(State.BACKING_OFF))

    assert found.category == "connectivity"
    assert "refuses connections" in found.detail
    assert found.next_poll_at is not None
    assert found.last_success_at is None


async def test_a_connection_that_is_being_made_is_told(bus: Bus, dovecot: Dovecot, user: User) -> None:
    async with FaultyProxy(port=dovecot.imaps_port) as way:
        way.hang()
        mailbox = dovecot_mailbox(dovecot, user, port=way.port, **HOURLY)
        await put_mailbox(bus, mailbox)
        async with fetching(bus):
            await until_status(bus, mailbox, in_state(State.CONNECTING))


async def test_a_stopped_fetcher_leaves_the_mailbox_waiting_and_its_metrics_gone(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        before = await until_status(bus, mailbox, in_state(State.IDLE))
    after = await until_status(bus, mailbox, in_state(State.WAITING))

    assert after.last_success_at == before.last_success_at
    assert metric("dmarq_mailbox_state", mailbox, state="waiting") is None
    assert metric("dmarq_mailbox_overdue", mailbox) is None


async def test_a_restart_remembers_the_last_success(bus: Bus, dovecot: Dovecot, user: User) -> None:
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        before = await until_status(bus, mailbox, in_state(State.IDLE))
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, port=1, **HOURLY))
    async with fetching(bus):
        after = await until_status(bus, mailbox, in_state(State.BACKING_OFF))

    assert after.last_success_at == before.last_success_at


async def test_a_long_run_tells_how_far_it_is(bus: Bus, dovecot: Dovecot, user: User) -> None:
    """The limit holds the run where it can be seen."""
    mailbox = dovecot_mailbox(dovecot, user, max_mails_per_minute=20, **HOURLY)
    user.deliver(*[MAIL] * 30)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        found = await until_status(bus, mailbox, lambda found: found.behind == 10)

        assert found.state is State.POLLING
        assert found.progress is not None
        assert (found.progress.seen, found.progress.done) == (30, 20)
        assert metric("dmarq_mailbox_backlog_mails", mailbox) == 10


async def test_a_mailbox_that_is_overdue_makes_the_fetcher_unhealthy_but_not_unready(
    bus: Bus, dovecot: Dovecot, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_rules, "GRACE", timedelta(0))
    mailbox = dovecot_mailbox(dovecot, user, port=1, poll_interval_minutes=0.001)
    await put_mailbox(bus, mailbox)
    readiness, stopping = Readiness(), asyncio.Event()
    running = asyncio.create_task(
        body(Frame(Settings.load({"DMARQ_SECRET_KEY": SECRET_KEY}), bus, readiness, stopping))
    )
    async with asyncio.timeout(TIMEOUT):
        while not readiness.unhealthy:  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.05)
    assert readiness.unhealthy == {"mailboxes": f"overdue: {mailbox.id}"}
    assert readiness.missing == {}
    assert metric("dmarq_mailbox_overdue", mailbox) == 1
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2, **HOURLY))
    async with asyncio.timeout(TIMEOUT):
        while readiness.unhealthy:  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.05)
    stopping.set()
    await running


async def test_a_deleted_mailbox_has_no_status(bus: Bus, dovecot: Dovecot, user: User) -> None:
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await until_status(bus, mailbox, in_state(State.IDLE))
    await forget_mailbox(bus.js, mailbox.id)

    assert await StatusBucket(bus.js).get(mailbox.id) is None
    assert await StatusBucket(bus.js).all() == {}


async def test_a_mailbox_that_is_deleted_during_work_has_no_status(bus: Bus, dovecot: Dovecot, user: User) -> None:
    mailbox = dovecot_mailbox(dovecot, user, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await until_status(bus, mailbox, in_state(State.IDLE))
        await MailboxBucket(bus.js, Keyring(SECRET_KEY)).delete(mailbox.id)
        async with asyncio.timeout(TIMEOUT):
            while await StatusBucket(bus.js).get(mailbox.id):  # noqa: ASYNC110 nobody tells
                await asyncio.sleep(0.02)

    assert await StatusBucket(bus.js).all() == {}  # neither after the fetcher's last words


async def test_a_mailbox_whose_work_ends_in_an_error_of_ours_does_not_say_that_it_is_well(
    bus: Bus, dovecot: Dovecot, user: User
) -> None:
    mailbox = dovecot_mailbox(dovecot, user)
    board = StatusBoard(bus, Readiness(), holder="me")
    shown = await board.take(mailbox)
    shown.polled()
    board.fail(mailbox, "RecursionError: too deep")
    board.give_back(mailbox)

    assert (shown.status.state, shown.status.category) == (State.WAITING, "internal_error")
    assert "RecursionError" in shown.status.detail
