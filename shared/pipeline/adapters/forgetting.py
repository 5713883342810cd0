"""What the broker keeps for one mailbox goes when the mailbox is deleted."""

from contextlib import suppress

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from pipeline import topology
from pipeline.adapters.connection import nats_errors


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
