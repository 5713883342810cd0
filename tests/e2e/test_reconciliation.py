"""What ledger, broker or database has forgotten is found in the mailbox again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dmarq.samples import SampleKind, make_mails
from pipeline.contracts.topology import COMMAND, EXTRACT, MAIL
from pipeline.jetstream.ensure import stream_config
from tests.support.dovecot import Dovecot, User
from tests.support.services import Services
from tests.support.site import PIPELINE, Inspector, Site

MAILS = 12


@pytest.fixture
async def inspector(dovecot: Dovecot, nats_url: str, database_url: str, tmp_path: Path) -> AsyncIterator[Inspector]:
    """A pipeline that compares folder and ledger every second, and a broker that soon forgets what it was told."""
    services = Services(nats_url=nats_url, database_url=database_url, logs=tmp_path)
    try:
        for name in PIPELINE:
            services.start(name, environment={"DMARQ_RECONCILE_MINUTES": "0.02"})
        async with Site(dovecot, nats_url, database_url, services).opened() as opened:
            for stream in (MAIL, EXTRACT, COMMAND):
                config = stream_config(stream, replicas=1).evolve(duplicate_window=0.2)
                await opened.bus.js.update_stream(config)
            yield opened
    finally:
        services.stop_all()


def reports() -> list[bytes]:
    return [sample.raw for sample in make_mails(200, 31) if sample.kind is SampleKind.REPORT][:MAILS]


async def test_mails_that_the_ledger_has_forgotten_are_fetched_again(inspector: Inspector, user: User) -> None:
    user.deliver(*reports())
    mailbox = await inspector.work_for(user, on_processed={"action": "mark_read"})
    await inspector.until_done(mailbox, MAILS)
    await asyncio.sleep(0.3)

    await inspector.database.execute("DELETE FROM mail WHERE uid <= 5")  # as in a database that was restored
    await inspector.until_done(mailbox, MAILS)

    assert await inspector.outcomes(mailbox) == {"imported": MAILS - 5, "duplicate": 5}
    assert await inspector.value("SELECT count(*) FROM report") == MAILS


async def test_a_command_that_was_lost_is_given_again(inspector: Inspector, user: User) -> None:
    user.deliver(*reports())
    mailbox = await inspector.work_for(user, on_processed={"action": "none"})
    await inspector.until_done(mailbox, MAILS)
    await asyncio.sleep(0.3)

    pending = "UPDATE mail SET action = 'mark_read', action_state = 'pending', stored_at = now() - interval '2 hours'"
    await inspector.database.execute(pending)  # as after a broker that lost its disk
    await inspector.until_done(mailbox, MAILS)

    assert all(mail.seen for mail in user.stored())


async def test_mails_that_are_settled_are_not_fetched_again(inspector: Inspector, user: User) -> None:
    user.deliver(*reports())
    mailbox = await inspector.work_for(user, on_processed={"action": "mark_read"})
    await inspector.until_done(mailbox, MAILS)
    compared = "SELECT count(*) FROM activity WHERE name = 'reconciled' AND data ->> 'compared' = $1"
    async with asyncio.timeout(60):
        while await inspector.value(compared, str(MAILS)) < 2:  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.1)

    assert await inspector.value("SELECT sum(seen) FROM fetch_run") == MAILS
