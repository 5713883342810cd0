"""Bytes in the object store."""

import asyncio

from pipeline.jetstream.blobs import Blobs
from pipeline.jetstream.bus import Bus


async def test_bytes_that_are_put_again_can_be_read_all_the_while(bus: Bus) -> None:
    """An event whose publish was not confirmed is published again, and somebody may be reading its bytes already."""
    data = bytes(5_000_000)  # three chunks
    writer, reader = Blobs(bus.client), Blobs(bus.client)
    await writer.put("a", data)

    async def rewrite() -> None:
        for _ in range(15):
            await writer.put("a", data)

    writing = asyncio.create_task(rewrite())
    found = []
    while not writing.done():
        found.append(await reader.get("a", size=len(data)))
    await writing

    assert found
    assert set(found) == {data}
