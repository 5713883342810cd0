"""Publishing with confirmation, many events in flight at once.

The driver's own `publish_async` drops an error that the broker answers with, so a refusal would look like silence.
"""

import asyncio
import json
from collections.abc import Sequence
from itertools import count

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as Inbox
from nats.errors import MaxPayloadError
from nats.js.errors import APIError, NoStreamResponseError

from pipeline.contracts.wire import Wire
from pipeline.errors import TryLater
from pipeline.jetstream.connection import DEPENDENCY, heard, nats_errors

PUBLISH_TIMEOUT = 10.0  # seconds until an unanswered publish counts as not done
PROTOCOL_BYTES = 100  # what the driver adds to headers and payload


class _Batch:
    """Publishes that are waited for together."""

    def __init__(self, size: int) -> None:
        self.unanswered = size
        self.errors: list[Exception] = []
        self.complete = asyncio.Event()

    def answered(self, error: Exception | None) -> None:
        self.unanswered -= 1
        if error is not None:
            self.errors.append(error)
        if not self.unanswered:
            self.complete.set()


class Publisher:
    """Publishes to JetStream and waits for the broker's confirmations, which come to one inbox."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._prefix = ""
        self._inbox: Inbox | None = None
        self._opening = asyncio.Lock()
        self._numbers = count()
        self._waiting: dict[str, _Batch] = {}

    async def publish(self, wires: Sequence[Wire]) -> None:
        """Returns when every one of them is stored. Raises TryLater when one of them may not be."""
        if not wires:
            return
        if not self._client.is_connected:  # the driver would keep a copy of every try until it is back
            raise TryLater(DEPENDENCY, "not connected")
        for wire in wires:
            self._check_size(wire)
        with nats_errors():
            await self._open()
            await self._publish(wires)

    async def _publish(self, wires: Sequence[Wire]) -> None:
        batch = _Batch(len(wires))
        replies = [f"{self._prefix}.{next(self._numbers)}" for _ in wires]
        self._waiting.update(dict.fromkeys(replies, batch))
        try:
            for wire, reply in zip(wires, replies, strict=True):
                await self._client.publish(wire.subject, wire.payload, reply=reply, headers=wire.headers)
            await heard(self._client, batch.complete, timeout=PUBLISH_TIMEOUT)
        finally:
            for reply in replies:
                self._waiting.pop(reply, None)
        if batch.errors:
            raise batch.errors[0]

    async def _open(self) -> None:
        async with self._opening:
            if self._inbox is None:
                self._prefix = self._client.new_inbox()
                self._inbox = await self._client.subscribe(f"{self._prefix}.*", cb=self._on_answer)

    async def _on_answer(self, msg: Msg) -> None:
        batch = self._waiting.pop(msg.subject, None)
        if batch is not None:
            batch.answered(_error_in(msg))

    def _check_size(self, wire: Wire) -> None:
        """The driver does not count the headers, and the broker ends the connection over it."""
        headers = sum(len(name) + len(value) + 4 for name, value in wire.headers.items())
        if headers + len(wire.payload) + PROTOCOL_BYTES > self._client.max_payload:
            raise MaxPayloadError


def _error_in(msg: Msg) -> Exception | None:
    if msg.headers is not None:  # an answer of the server itself: nobody listens on this subject
        return NoStreamResponseError()
    if b'"error"' not in msg.data:
        return None
    try:
        APIError.from_error(json.loads(msg.data)["error"])
    except APIError as error:
        return error
    return None
