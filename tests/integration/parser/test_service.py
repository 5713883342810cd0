"""The service as a whole, between a real broker and a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import nats
import pytest
from pydantic import SecretStr

from parser.__main__ import serve
from pipeline.contracts.dead_letter import history_of
from pipeline.contracts.wire import KEY, Envelope, decode, encode
from pipeline.jetstream.bus import Bus
from pipeline.postgres.connection import Database
from pipeline.runtime.service import Frame
from pipeline.settings import Settings
from pipeline.telemetry.health import Readiness
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import changed

BAD = "<feedback><broken"


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    client = await nats.connect(nats_url)
    opened = Bus(client)
    await opened.ensure()
    yield opened
    await client.close()


@asynccontextmanager
async def running(bus: Bus, database_url: str) -> AsyncIterator[None]:
    """The service inside the block, gracefully stopped at its end."""
    stopping = asyncio.Event()
    settings = Settings(database_url=SecretStr(database_url))
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(Frame(settings, bus, Readiness(), stopping)))
        yield
        stopping.set()


async def until(postgres: Database, query: str, expected: object) -> None:
    while await values(postgres, query) != [expected]:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.02)


async def count(bus: Bus, stream: str) -> int:
    return (await bus.js.stream_info(stream)).state.messages


def mails(*numbers: int) -> list[Envelope]:
    return [extracted(number, changed("r-1", f"r-{number}")) for number in numbers]


async def test_mails_are_stored_commanded_and_announced(bus: Bus, migrated_url: str, postgres: Database) -> None:
    await bus.publish(mails(*range(1, 151)))
    async with running(bus, migrated_url):
        await until(postgres, "SELECT count(*) FROM mail", 150)

    assert await values(postgres, "SELECT count(*) FROM outbox") == [0]
    assert (await count(bus, "COMMAND"), await count(bus, "REPORT")) == (150, 150)
    assert (await count(bus, "EXTRACT"), await count(bus, "DEAD")) == (0, 0)


async def test_a_bad_mail_becomes_a_dead_letter_with_its_bytes_and_holds_up_no_other(
    bus: Bus, migrated_url: str, postgres: Database
) -> None:
    good = mails(1, 3)
    await bus.publish([good[0], extracted(2, BAD), good[1]])
    async with running(bus, migrated_url):
        await until(postgres, "SELECT count(*) FROM mail", 3)
        while await count(bus, "DEAD") < 1 or await count(bus, "EXTRACT") > 0:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)

    letter = await bus.js.get_msg("DEAD", 1)
    assert letter.subject == "dead.parser.box"
    [failed] = await rows(postgres, "SELECT outcome, reason FROM mail WHERE uid = 2")
    assert failed == {"outcome": "failed", "reason": history_of(letter.headers or {}).reason}
    assert decode(letter.headers or {}, letter.data or b"").cargo[0].bytes.startswith(b"Subject:")
    assert await values(postgres, "SELECT count(*) FROM mail WHERE outcome = 'imported'") == [2]


async def test_a_parser_killed_between_commit_and_acknowledgement_stores_nothing_twice(
    bus: Bus, migrated_url: str, postgres: Database
) -> None:
    await bus.publish(mails(*range(1, 21)))
    async with running(bus, migrated_url):
        await until(postgres, "SELECT count(*) FROM mail", 20)
    before = await rows(postgres, "SELECT mail_id, stored_at, outcome FROM mail ORDER BY uid")

    # what was not acknowledged is handed out again: the same events, under a key that the broker has not seen
    wires = [encode(mail) for mail in mails(*range(1, 21))]
    keys = [{**wire.headers, KEY: f"again.{wire.headers[KEY]}"} for wire in wires]
    await bus.publish_wires([replace(wire, headers=headers) for wire, headers in zip(wires, keys, strict=True)])
    async with running(bus, migrated_url):
        while await count(bus, "EXTRACT") > 0:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)

    assert await rows(postgres, "SELECT mail_id, stored_at, outcome FROM mail ORDER BY uid") == before
    assert await values(postgres, "SELECT count(*) FROM report") == [20]
