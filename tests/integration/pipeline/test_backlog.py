"""What is on its way is measured, so that somebody can be told before it is too much."""

import asyncio

from prometheus_client import REGISTRY

from pipeline.contracts.limits import MiB
from pipeline.contracts.topology import BLOB_STREAM
from pipeline.jetstream.bus import Bus
from pipeline.telemetry.backlog import watch_backlog
from tests.support.events import fetched
from tests.support.stages import until


def fullness(stream: str) -> float:
    return REGISTRY.get_sample_value("dmarq_stream_fullness_ratio", {"stream": stream}) or 0.0


async def test_streams_and_the_object_store_tell_how_full_they_are(bus: Bus) -> None:
    await bus.publish([fetched(1, b"inline"), fetched(2, bytes(MiB))])
    stopping = asyncio.Event()
    watching = asyncio.create_task(watch_backlog(bus, [], stopping))

    await until(lambda: fullness(BLOB_STREAM) > 0)
    stopping.set()
    await watching

    assert 1 / 8192 <= fullness(BLOB_STREAM) < 2 / 8192
    assert fullness("MAIL") == 2 / 20_000
