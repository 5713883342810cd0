"""Pulling from a durable consumer: what is there now, or the next event as soon as it comes.

The driver's own `fetch` holds a first event back until the batch is full or time is up, and what it took is lost to a
cancelled caller until the broker's deadline. This speaks the same protocol (CONSUMER.MSG.NEXT) without either.

Third parties may have a durable consumer of their own, which goes on where it stopped (`open_reader`).
"""

import asyncio
import json
import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as Inbox
from nats.errors import NotJSMessageError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from pipeline.contracts.topology import Consumer
from pipeline.contracts.wire import Wire
from pipeline.errors import TryLater
from pipeline.jetstream.connection import DEPENDENCY, heard, jetstream, nats_errors

# Where an acknowledgement goes says which delivery it is about, with or without domain and account (NATS ADR-15).
# The driver reads the time of it too, which takes longer than all the rest of a delivery.
_REPLY = re.compile(r"\$JS\.ACK\.(?:[^.]+\.[^.]+\.)?[^.]+\.[^.]+\.(\d+)\.(\d+)\.\d+\.\d+\.\d+(?:\.[^.]+)?$")
GIVE_BACK_DELAY = 1.0  # seconds, until none of a stopping process's own pulls can get it


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event in hand. `deliveries` counts from 1; `sequence` is the event's place in its stream."""

    msg: Msg
    deliveries: int
    sequence: int

    @classmethod
    def of(cls, msg: Msg) -> "Delivery":
        """The delivery in one of the driver's messages. Raises NotJSMessageError for what JetStream did not deliver."""
        found = _REPLY.match(msg.reply)
        if found is None:
            raise NotJSMessageError
        return cls(msg, deliveries=int(found[1]), sequence=int(found[2]))

    @property
    def wire(self) -> Wire:
        """The event as it came."""
        return Wire(self.msg.subject, self.msg.headers or {}, self.msg.data)

    async def ack(self) -> None:
        """The work is durable: never hand it out again."""
        with nats_errors():
            await self.msg.ack()

    async def again(self, delay: float) -> None:
        """Hand it out again, `delay` seconds from now."""
        with nats_errors():
            await self.msg.nak(delay=delay)

    async def give_back(self) -> None:
        """Hand it out again soon, to somebody who is not about to stop."""
        await self.again(GIVE_BACK_DELAY)

    async def still_working(self) -> None:
        """Renews the acknowledgement deadline. A settled delivery is left alone: a beat would undo its delay."""
        if self.msg.is_acked:
            return
        with nats_errors():
            await self.msg.in_progress()


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


class ReaderExists(Exception):
    """There is a reader of this name that was begun otherwise; the text says how."""


async def open_reader(client: Client, consumer: Consumer, *, since: datetime | None) -> Subscription:
    """The durable consumer of this name, made now where there is none; it begins at `since` (None: the oldest kept).

    Raises ReaderExists where it reads something else, or when `since` is given and it has begun already; TryLater while
    the broker is away.
    """
    js = jetstream(client)
    with nats_errors():
        try:
            config = (await js.consumer_info(consumer.stream, consumer.name)).config
        except NotFoundError:
            await js.add_consumer(consumer.stream, _config(consumer, since))
        else:
            _expect_same(config, consumer, since)
    subscription = Subscription(client, consumer)
    await subscription.open()
    return subscription


async def forget_reader(client: Client, consumer: Consumer) -> bool:
    """Removes the durable consumer; False when there was none. Raises TryLater while the broker is away."""
    with nats_errors():
        try:
            return bool(await jetstream(client).delete_consumer(consumer.stream, consumer.name))
        except NotFoundError:
            return False


def _config(consumer: Consumer, since: datetime | None) -> ConsumerConfig:
    start = None if since is None else since.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return ConsumerConfig(
        durable_name=consumer.name,
        filter_subject=consumer.filter_subject,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=consumer.ack_wait,
        max_deliver=-1,
        max_ack_pending=consumer.max_ack_pending,
        deliver_policy=DeliverPolicy.ALL if since is None else DeliverPolicy.BY_START_TIME,
        opt_start_time=cast(Any, start),  # the driver says int, the broker wants RFC 3339
    )


def _expect_same(config: ConsumerConfig, consumer: Consumer, since: datetime | None) -> None:
    if config.filter_subject != consumer.filter_subject:
        raise ReaderExists(f"{consumer.name} reads {config.filter_subject}, not {consumer.filter_subject}")
    if since is not None:
        raise ReaderExists(f"{consumer.name} has begun already and goes on where it stopped, whatever --since says")
