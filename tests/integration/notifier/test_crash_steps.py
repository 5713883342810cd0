"""kill -9 at each step of a sending, as it shows on the wire: it is sent, and once as far as the protocol permits."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.postgres.connection import Database
from tests.chaos.wires import Wire, Wires
from tests.integration.notifier.test_crashes import ENVIRONMENT, leases_end
from tests.support.fixtures_postgres import values
from tests.support.notifying import MailSink, Receiver, eventually, mail_sink, put_channel, receiving
from tests.support.services import Services, services

MAIL = """
INSERT INTO mail (mail_id, mailbox_id, folder, uidvalidity, uid, size, fetched_at, stored_at, settings_version, outcome,
    reason, action, action_state)
VALUES (gen_random_uuid(), 'reports', 'INBOX', 1, 1, 100, now(), now(), 1, 'failed', 'encrypted', 'none', 'none')
"""
STATES = "SELECT state FROM notify_delivery"
SPRUNG_S = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """A moment: the chunk of bytes (to "postgres", or "out" to the receiver) before or after which it is killed.

    `repeats`: how often it may come once more then, under its key.
    """

    name: str
    to: str
    pattern: bytes
    after: bool = False
    repeats: int = 0


SENT = rb'"type":"alert"|\r\n\.\r\n'  # the end of a webhook's body, of an email
STEPS = (
    Step("before it is written down", "postgres", rb"INSERT INTO notify_delivery"),
    Step("once it is written down", "postgres", rb"SET state = 'sending'"),
    Step("while it is claimed", "postgres", rb"INSERT INTO notify_attempt", after=True),
    Step("once it is claimed", "out", SENT),
    Step("once it is sent, before the answer", "out", SENT, after=True, repeats=1),
    Step("once it is answered, before that is noted", "postgres", rb"SET state = \$3, detail", repeats=1),
    Step("once that is noted", "postgres", rb"200 OK|taken by", after=True),
)


@dataclass(frozen=True, slots=True)
class Place:
    """The notifier with a wire to the database and one to each receiver."""

    started: Services
    database: Wire
    receiver: Receiver
    to_receiver: Wire
    sink: MailSink
    to_sink: Wire


@pytest.fixture
def wires() -> Iterator[Wires]:
    with Wires() as opened:
        yield opened


@pytest.fixture
async def place(wires: Wires, nats_url: str, migrated_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    parts = urlsplit(migrated_url)
    database = wires.to(parts.port or 5432)
    through = migrated_url.replace(f":{parts.port}/", f":{database.port}/")
    async with receiving() as receiver:
        with ExitStack() as stack:
            sink = stack.enter_context(mail_sink())
            started = stack.enter_context(services(nats_url=nats_url, database_url=through, logs=tmp_path))
            yield Place(started, database, receiver, wires.to(receiver.port), sink, wires.to(sink.port))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
async def test_a_webhook_comes_once_and_a_repeat_has_its_key(place: Place, postgres: Database, step: Step) -> None:
    await put_channel(postgres, "hook", url=f"http://127.0.0.1:{place.to_receiver.port}/hook")

    await killed_at(step, place, postgres, place.to_receiver)

    assert 1 <= len(place.receiver.keys) <= 1 + step.repeats
    assert len(set(place.receiver.keys)) == 1
    assert len({post.body for post in place.receiver.posts}) == 1


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
async def test_an_email_comes_once_and_a_repeat_has_its_message_id(
    place: Place, postgres: Database, step: Step
) -> None:
    settings = place.sink.settings
    settings["email"]["port"] = place.to_sink.port
    await put_channel(postgres, "people", **settings)

    await killed_at(step, place, postgres, place.to_sink)

    assert 1 <= len(place.sink.mails) <= 1 + step.repeats
    assert len({mail["Message-ID"] for mail in place.sink.mails}) == 1
    assert len({mail.as_bytes() for mail in place.sink.mails}) == 1


async def killed_at(step: Step, place: Place, postgres: Database, out: Wire) -> None:
    """An email fails, the notifier is killed at the step, and another one ends what it began."""
    async with postgres.connection() as connection:
        await connection.execute(MAIL)
    wire = place.database if step.to == "postgres" else out
    with wire.trap(step.pattern, spring=partial(_kill, place.started), after=step.after) as trap:
        await asyncio.to_thread(
            partial(place.started.start, "notifier", name="first", environment=ENVIRONMENT, ready=False)
        )
        assert await asyncio.to_thread(trap.wait, SPRUNG_S)
    await eventually(lambda: place.started.running["first"].exit.done())
    await leases_end(postgres)
    await asyncio.to_thread(partial(place.started.start, "notifier", name="second", environment=ENVIRONMENT))

    await eventually(lambda: _is_sent(postgres))
    assert await values(postgres, "SELECT count(*) FROM notify_alert") == [1]


async def _is_sent(postgres: Database) -> bool:
    return await values(postgres, STATES) == ["sent"]


def _kill(started: Services) -> None:
    os.kill(started.running["first"].pid, signal.SIGKILL)
