"""A durable reader of what is published for third parties: it goes on where it stopped."""

from datetime import UTC, datetime
from typing import Any, cast

from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from pipeline.contracts.topology import Consumer
from pipeline.jetstream.connection import jetstream, nats_errors
from pipeline.jetstream.pull import Subscription


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
