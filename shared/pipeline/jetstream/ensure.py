"""Create-or-update of streams, consumers and buckets, so that a changed topology takes effect at the next start;
and what goes with a deleted mailbox."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    KeyValueConfig,
    ObjectStoreConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError, NotFoundError

from pipeline.contracts import topology
from pipeline.errors import TryLater
from pipeline.jetstream.connection import DEPENDENCY, nats_errors
from pipeline.settings import SettingsError

INVALID_CONFIG = 10052  # which the broker sends as an error of its own (500)


class TopologyError(SettingsError):
    """What the broker holds and what this version declares contradict each other; the text says where."""


async def ensure_topology(
    js: JetStreamContext, *, replicas: int = 1, updates: bool = True, consumers: bool = True
) -> None:
    """Everything of `pipeline.contracts.topology` exists as declared.

    With `updates` False nothing is made or changed: that is `dmarq-migrate`'s work, and what is missing is waited for.
    Consumers are made by whoever binds to them; with `consumers` here too, where one user does everything.
    Raises TryLater while the broker is away, has no room or lacks something, TopologyError when it refuses what is
    declared.
    """
    for stream in topology.STREAMS:
        await _ensure_stream(js, stream_config(stream, replicas=replicas), updates=updates)
    for bucket in topology.BUCKETS:
        await _ensure_bucket(js, bucket, replicas=replicas, updates=updates)
    await _ensure_blobs(js, replicas=replicas, updates=updates)
    for consumer in topology.CONSUMERS if updates and consumers else ():
        await ensure_consumer(js, consumer)


def stream_config(stream: topology.Stream, *, replicas: int) -> StreamConfig:
    """The driver's form of a declared stream."""
    return StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=RetentionPolicy(stream.retention.value),
        discard=DiscardPolicy.NEW if stream.refuse_when_full else DiscardPolicy.OLD,
        max_bytes=stream.max_bytes,
        max_msgs=stream.max_events,
        max_age=stream.max_age,
        storage=StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=topology.DEDUPE_WINDOW,
        allow_direct=True,
    )


async def ensure_consumer(js: JetStreamContext, consumer: topology.Consumer) -> None:
    """The durable consumer exists as declared. `max_deliver` is unlimited: the runtime judges retries."""
    config = ConsumerConfig(
        durable_name=consumer.name,
        filter_subject=consumer.filter_subject,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=consumer.ack_wait,
        max_deliver=-1,
        max_ack_pending=consumer.max_ack_pending,
    )
    with _refusals(f"consumer {consumer.name}"):
        await js.add_consumer(consumer.stream, config)


async def _ensure_stream(js: JetStreamContext, config: StreamConfig, *, updates: bool) -> None:
    with _refusals(f"stream {config.name}"):
        try:
            await js.stream_info(config.name or "")
        except NotFoundError:
            if not updates:
                raise _missing(config.name or "") from None
            await js.add_stream(config)
            return
        if updates:
            await js.update_stream(config)


async def _ensure_bucket(js: JetStreamContext, bucket: topology.Bucket, *, replicas: int, updates: bool) -> None:
    config = KeyValueConfig(
        bucket=bucket.name, history=bucket.history, ttl=bucket.max_age or None, replicas=replicas, direct=True
    )
    wanted = {"max_age": bucket.max_age, "max_msgs_per_subject": bucket.history, "num_replicas": replicas}
    with _refusals(f"bucket {bucket.name}"):
        if not await _updated(js, f"KV_{bucket.name}", wanted, updates=updates):
            await js.create_key_value(config)


async def _ensure_blobs(js: JetStreamContext, *, replicas: int, updates: bool) -> None:
    store = topology.BLOB_STORE
    config = ObjectStoreConfig(
        bucket=store.name, ttl=store.max_age, max_bytes=topology.BLOB_STORE_BYTES, replicas=replicas
    )
    wanted = {"max_age": store.max_age, "max_bytes": topology.BLOB_STORE_BYTES, "num_replicas": replicas}
    with _refusals(f"object store {store.name}"):
        if not await _updated(js, topology.BLOB_STREAM, wanted, updates=updates):
            await js.create_object_store(store.name, config)


async def _updated(js: JetStreamContext, stream: str, wanted: dict[str, Any], *, updates: bool) -> bool:
    """Brings a bucket's stream up to date; False when there is none yet and it is ours to make."""
    try:
        config = (await js.stream_info(stream)).config
    except NotFoundError:
        if not updates:
            raise _missing(stream) from None
        return False
    if updates and any((getattr(config, name) or 0) != value for name, value in wanted.items()):
        window = min(filter(None, (config.duplicate_window, wanted["max_age"])))  # never longer than the age
        await js.update_stream(config.evolve(**wanted, duplicate_window=window))
    return True


def _missing(stream: str) -> TryLater:
    return TryLater(DEPENDENCY, f"the stream {stream} is not there: dmarq-migrate makes it")


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    try:
        with nats_errors():
            yield
    except (BadRequestError, TryLater) as error:
        cause = error.__cause__ or error
        if isinstance(cause, BadRequestError) or getattr(cause, "err_code", None) == INVALID_CONFIG:
            reason = getattr(cause, "description", "")
            raise TopologyError(f"NATS refuses the {what} as this version declares it: {reason}") from error
        raise


async def forget_mailbox(js: JetStreamContext, mailbox_id: str) -> None:
    """Its waiting commands, their consumer, its cursors and its status are removed; a repeat is harmless.

    Raises TryLater while the broker is away.
    """
    consumer = topology.actor(mailbox_id)
    cursors, statuses = topology.CURSOR_BUCKET.name, topology.STATUS_BUCKET.name
    with nats_errors():
        with suppress(NotFoundError):
            await js.delete_consumer(consumer.stream, consumer.name)
        await js.purge_stream(consumer.stream, subject=consumer.filter_subject)
        await js.purge_stream(f"KV_{cursors}", subject=f"$KV.{cursors}.{mailbox_id}.>")
        await js.purge_stream(f"KV_{statuses}", subject=f"$KV.{statuses}.{mailbox_id}")
