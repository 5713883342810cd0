"""However the process that owns the servers ends, nothing stays behind, and what was stored is still there."""

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import nats
import pytest

from tests.integration.standalone.conftest import Owner, StartOwner
from tests.support.processes import ended, is_free


async def store(owner: Owner) -> None:
    nats_url, database_url = owner.up["urls"]
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('row')")
    await connection.close()
    client = await nats.connect(nats_url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.jetstream().publish("kept", b"event")
    await client.close()


async def stored(owner: Owner) -> tuple[str, bytes]:
    nats_url, database_url = owner.up["urls"]
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchval("SELECT word FROM kept")
    await connection.close()
    client = await nats.connect(nats_url)
    event = await client.jetstream().get_last_msg("KEPT", "kept")
    await client.close()
    return row, event.data or b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_to_the_owner_leaves_nothing_running(
    start_owner: StartOwner, place: Path, number: signal.Signals
) -> None:
    owner = start_owner(place / "data")
    owner.process.send_signal(number)
    owner.process.wait(20)

    assert ended(owner.pids)
    assert all(is_free(urlsplit(url).port or 0) for url in owner.up["urls"])


def test_what_was_stored_survives_kill_9_of_the_owner(start_owner: StartOwner, place: Path) -> None:
    first = start_owner(place / "data")
    asyncio.run(store(first))
    first.process.kill()
    second = start_owner(place / "data")

    assert asyncio.run(stored(second)) == ("row", b"event")


def test_what_was_stored_survives_kill_9_of_everything(start_owner: StartOwner, place: Path) -> None:
    first = start_owner(place / "data")
    asyncio.run(store(first))
    for pid in (*first.pids, first.process.pid):
        os.kill(pid, signal.SIGKILL)
    second = start_owner(place / "data")

    assert asyncio.run(stored(second)) == ("row", b"event")


def test_a_second_owner_is_told_in_one_line_who_has_the_directory(start_owner: StartOwner, place: Path) -> None:
    first = start_owner(place / "data")
    second = start_owner(place / "data")

    assert second.process.wait(20) == 1
    assert f"is in use by process {first.process.pid}" in second.said
    assert first.process.poll() is None
