"""Crash counts in the bucket `crash`: how often a process ended while it handled an event with no other in hand.

How often an event was handed out does not tell: it also grows when the process is restarted, or killed for a reason of
its own, while the event waits in its hand. So a note is made before the event is handled by itself, and taken back when
the handler is done, whatever came of it. Only a process that ended in between leaves the note behind.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from nats.js import JetStreamContext

from pipeline.contracts import topology
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected, TryLater
from pipeline.jetstream.typed_bucket import Json, TypedBucket

log = structlog.get_logger(__name__)


class CrashBucket:
    """The notes of one consumer."""

    def __init__(self, js: JetStreamContext, *, consumer: str, limit: int) -> None:
        self._bucket = TypedBucket(js, topology.CRASH_BUCKET, Json(int))
        self._consumer = consumer
        self._limit = limit

    @asynccontextmanager
    async def watching(self, sequence: int) -> AsyncIterator[None]:
        """Round the handling of a single event. Raises Rejected when `limit` handlings in a row had no end.

        A note that the broker does not take (it is away, or has the permissions of an older version) is done without:
        it costs the count, not the work.
        """
        key = f"{self._consumer}.{sequence}"
        try:
            noted = await self._noted(key)
        except TryLater as error:
            log.warning("crash_note_refused", key=key, detail=error.detail[:200])
            noted = False
        try:
            yield
        finally:
            if noted:
                await self._forget(key)

    async def _noted(self, key: str) -> bool:
        stored = await self._bucket.get(key)
        crashes = (stored.value if stored else None) or 0
        if crashes >= self._limit:
            await self._forget(key)  # a dead letter that is sent again starts again
            raise Rejected(Reason.CRASH_LOOP, f"the process ended {crashes} times while it handled this event alone")
        await self._bucket.put(key, crashes + 1)
        return True

    async def _forget(self, key: str) -> None:
        with suppress(TryLater):  # the note stays: one crash too many is counted, and the next good end clears it
            await self._bucket.delete(key)
