"""When a mailbox is looked at: at its interval, when mail is announced, when asked; after faults, not too soon."""

import asyncio
from datetime import timedelta

from pipeline.contracts.connection_test import ConnectionTest
from pipeline.contracts.events import FetchRunFinished, FetchTrigger
from pipeline.contracts.mailbox import Action, Mailbox, MailboxSecrets
from pipeline.contracts.topology import TEST_SUBJECT, fetch_subject
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.mailboxes import seal
from pipeline.jetstream.requests import request
from pipeline.secrets import Keyring
from tests.support.client import dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.fetching import acted, command, fetching, runs, until, until_fetched
from tests.support.proxy import FaultyProxy
from tests.support.services import SECRET_KEY

MAIL = b"From: a@b.example\r\nSubject: report\r\n\r\nwords\r\n"
HOURLY = {"poll_interval_minutes": 60}


async def ask_to_fetch(bus: Bus, mailbox: Mailbox) -> None:
    await request(bus.client, fetch_subject(mailbox.id), b"", timeout=5)


async def test_a_mailbox_is_polled_at_its_interval(bus: Bus, dovecot: Dovecot, user: User) -> None:
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, use_idle=False, poll_interval_minutes=0.01))
    async with fetching(bus):
        first, second, third = (await until(bus, FetchRunFinished, 3))[:3]
    assert second.started_at - first.finished_at >= timedelta(seconds=0.6)
    assert third.started_at - second.finished_at >= timedelta(seconds=0.6)
    assert {run.trigger for run in (first, second, third)} == {FetchTrigger.POLL}


async def test_a_mail_that_the_server_announces_is_fetched_at_once(bus: Bus, dovecot: Dovecot, user: User) -> None:
    await put_mailbox(bus, dovecot_mailbox(dovecot, user, **HOURLY))
    async with fetching(bus):
        await until(bus, FetchRunFinished)
        user.deliver(MAIL)
        await until_fetched(bus, 1)
        assert [run.trigger for run in await until(bus, FetchRunFinished, 2)] == [FetchTrigger.POLL, FetchTrigger.IDLE]


async def test_who_asks_gets_a_fetch_at_once(bus: Bus, dovecot: Dovecot, user: User) -> None:
    mailbox = dovecot_mailbox(dovecot, user, use_idle=False, **HOURLY)
    await put_mailbox(bus, mailbox)
    async with fetching(bus):
        await until(bus, FetchRunFinished)
        user.deliver(MAIL)
        await ask_to_fetch(bus, mailbox)
        await until_fetched(bus, 1)
        assert (await until(bus, FetchRunFinished, 2))[1].trigger is FetchTrigger.MANUAL


async def test_a_wrong_password_is_told_and_not_tried_again_and_again(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(MAIL)
    async with FaultyProxy(port=dovecot.imaps_port) as proxy:
        good = dovecot_mailbox(dovecot, user, port=proxy.port, **HOURLY)
        wrong = MailboxSecrets.model_validate({"password": "wrong"})
        await put_mailbox(bus, good.model_copy(update={"secrets": wrong}))
        async with fetching(bus):
            run = (await until(bus, FetchRunFinished))[0]
            assert run.category == "authentication"
            assert "password" in run.detail
            await asyncio.sleep(0.5)
            assert proxy.accepted == 1

            await ask_to_fetch(bus, good)
            assert (await until(bus, FetchRunFinished, 2))[1].category == "authentication"
            await asyncio.sleep(0.5)
            assert proxy.accepted == 2

            await put_mailbox(bus, good.model_copy(update={"version": 2}))
            await until_fetched(bus, 1)


async def test_a_lost_connection_is_made_again(bus: Bus, dovecot: Dovecot, user: User) -> None:
    async with FaultyProxy(port=dovecot.imaps_port) as proxy:
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, port=proxy.port, **HOURLY))
        async with fetching(bus):
            await until(bus, FetchRunFinished)
            proxy.cut()
            user.deliver(MAIL)
            await until_fetched(bus, 1)
            assert {run.category for run in await runs(bus)} == {"ok"}


async def test_a_dead_server_delays_no_other_mailbox(bus: Bus, dovecot: Dovecot, user: User) -> None:
    second = dovecot.user()
    user.deliver(MAIL)
    second.deliver(MAIL)
    async with FaultyProxy(port=dovecot.imaps_port) as proxy:
        proxy.hang()
        dead = dovecot_mailbox(dovecot, user, port=proxy.port)
        await put_mailbox(bus, dead)
        async with fetching(bus):
            await put_mailbox(bus, dovecot_mailbox(dovecot, second))
            assert (await until_fetched(bus, 1))[0].mail.mailbox_id == second.name
            await put_mailbox(bus, dovecot_mailbox(dovecot, user, version=2))  # the right port
            await until_fetched(bus, 2)


async def test_a_kept_connection_that_was_lost_does_not_delay_a_command(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(MAIL, MAIL)
    async with FaultyProxy(port=dovecot.imaps_port) as proxy:
        await put_mailbox(bus, dovecot_mailbox(dovecot, user, port=proxy.port, use_idle=False, **HOURLY))
        async with fetching(bus):
            first, second = await until_fetched(bus, 2)
            await acted(bus, command(first, Action.MARK_READ))
            opened = proxy.accepted
            await acted(bus, command(first, Action.MARK_READ, take=1))
            assert proxy.accepted == opened
            proxy.cut()
            await acted(bus, command(second, Action.MARK_READ))
            assert [mail.seen for mail in user.stored()] == [True, True]
            assert proxy.accepted == opened + 1


async def test_a_connection_test_is_answered_beside_one_that_hangs(bus: Bus, dovecot: Dovecot, user: User) -> None:
    user.deliver(MAIL, MAIL)
    keys = Keyring(SECRET_KEY)
    async with FaultyProxy(port=dovecot.imaps_port) as proxy, fetching(bus):
        proxy.hang()
        dead = seal(dovecot_mailbox(dovecot, user, port=proxy.port), keys).model_dump_json().encode()
        good = seal(dovecot_mailbox(dovecot, user), keys).model_dump_json().encode()
        hanging = [asyncio.create_task(request(bus.client, TEST_SUBJECT, dead, timeout=30)) for _ in range(3)]
        while proxy.accepted < 3:  # noqa: ASYNC110 the proxy does not tell
            await asyncio.sleep(0.01)
        answer = ConnectionTest.model_validate_json(await request(bus.client, TEST_SUBJECT, good, timeout=30))
        assert (answer.success, answer.message_count) == (True, 2)
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert not any(mail.seen for mail in user.stored())
