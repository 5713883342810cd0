"""One asyncio loop in a background thread, with the database pool and the bus on it; views call it and wait."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import wait
from threading import Thread
from typing import Any, TypeVar

import uvloop

from pipeline.errors import TryLater

T = TypeVar("T")


class Loop:
    """Runs coroutines for other threads."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = Thread(target=self._run, name="loop", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T], *, timeout: float) -> T:
        """What the coroutine gives. Raises what it raises, and TryLater after `timeout` seconds without an end."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        done, _ = wait([future], timeout)
        if not done:
            future.cancel()
            raise TryLater("answer", f"nothing came back within {timeout:g} s")
        return future.result()

    def close(self) -> None:
        """Ends the loop; what still runs on it is cancelled."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(5)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        await self._closing.wait()
