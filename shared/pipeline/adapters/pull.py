"""Pulling from a durable consumer: what is there now, or the next event as soon as it comes.

The driver's own `fetch` holds a first event back until the batch is full or time is up, and what it took is lost to a
cancelled caller until the broker's deadline. This speaks the same protocol (CONSUMER.MSG.NEXT) without either.
"""

import asyncio
import json
from collections import deque

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as Inbox

from pipeline.adapters.connection import DEPENDENCY, heard, nats_errors
from pipeline.adapters.delivery import Delivery
from pipeline.errors import TryLater
from pipeline.topology import Consumer

ANSWER_TIMEOUT = 5.0  # seconds the broker may take to say that there is nothing
NOTHING = frozenset({"404", "408"})  # no events now; the request's time is over


class Subscription:
    """One inbox on one durable consumer, for one caller at a time. Cancelling a `take` loses nothing."""

    def __init__(self, client: Client, consumer: Consumer) -> None:
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{consumer.stream}.{consumer.name}"
        self._prefix = client.new_inbox()
        self._inbox: Inbox | None = None
        self._arrived: deque[Msg] = deque()
        self._asked = 0
        self._answer: tuple[str, str] | None = None  # status and text that ended the request in flight
        self._enough = 0
        self._complete = asyncio.Event()  # the request in flight is

    async def open(self) -> None:
        """Begins to listen; called once."""
        with nats_errors():
            self._inbox = await self._client.subscribe(f"{self._prefix}.*", cb=self._on_arrival)

    async def take(self, limit: int, *, wait: float, linger: float = 0.0) -> list[Delivery]:
        """Up to `limit` deliveries, as soon as there is at least one; an empty list after `wait` seconds.

        Once there is one, others have `linger` seconds to come with it. Raises TryLater while the broker is away or
        the consumer is gone.
        """
        if not self._arrived:
            await self._ask(limit)
        came_late = not self._arrived
        if came_late:
            await self._ask(1, wait=wait)
        missing = limit - len(self._arrived)
        if self._arrived and missing > 0 and (came_late or linger):
            await self._ask(missing, wait=linger)
        return [Delivery.of(self._arrived.popleft()) for _ in range(min(limit, len(self._arrived)))]

    async def close(self) -> None:
        """Stops listening and gives back what was on its way here, so that nobody has to wait for its deadline."""
        with nats_errors():
            if self._inbox is not None:
                await (self._inbox.drain() if self._client.is_connected else self._inbox.unsubscribe())
            while self._arrived:
                await Delivery.of(self._arrived.popleft()).give_back()

    async def _ask(self, batch: int, *, wait: float = 0.0) -> None:
        """Returns when `batch` further events have arrived, or when the broker says that it was all."""
        if not self._client.is_connected:
            raise TryLater(DEPENDENCY, "not connected")
        self._asked += 1
        self._answer = None
        self._enough = len(self._arrived) + batch
        self._complete.clear()
        limits = {"expires": int(wait * 1e9)} if wait else {"no_wait": True}
        try:
            with nats_errors():
                request = json.dumps({"batch": batch, **limits}).encode()
                await self._client.publish(self._next, request, reply=self._reply)
            await heard(self._client, self._complete, timeout=wait + ANSWER_TIMEOUT)
        except TryLater:
            if not self._arrived:
                raise
        if self._answer is not None and self._answer[0] not in NOTHING and not self._arrived:
            raise TryLater(DEPENDENCY, " ".join(self._answer))

    @property
    def _reply(self) -> str:
        return f"{self._prefix}.{self._asked}"

    async def _on_arrival(self, msg: Msg) -> None:
        status = (msg.headers or {}).get("Status")
        if status is None or msg.reply:
            self._arrived.append(msg)
        elif msg.subject == self._reply:
            self._answer = (status, (msg.headers or {}).get("Description", ""))
        if len(self._arrived) >= self._enough or self._answer is not None:
            self._complete.set()
