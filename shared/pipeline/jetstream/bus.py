"""The event bus over JetStream: publish with confirmation, pull with acknowledgement, claim check for large cargo."""

from collections.abc import Sequence
from dataclasses import replace
from typing import IO

import structlog
from nats.aio.client import Client

from pipeline.contracts import topology
from pipeline.contracts.mail_events import Event, MailEvent, MailFetched
from pipeline.contracts.wire import Envelope, Parcel, Wire, encode
from pipeline.errors import Rejected, TryLater
from pipeline.jetstream.blobs import Blobs
from pipeline.jetstream.connection import DEPENDENCY, jetstream, nats_errors
from pipeline.jetstream.ensure import ensure_consumer, ensure_topology
from pipeline.jetstream.publish import Publisher
from pipeline.jetstream.pull import Subscription

log = structlog.get_logger(__name__)


class Bus:
    """Publishes events and pulls deliveries."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.js = jetstream(client)
        self.blobs = Blobs(client)
        self._publisher = Publisher(client)

    @property
    def reconnects(self) -> int:
        """How often the connection was lost and came back: whoever listens should do so again when it grows."""
        return int(self.client.stats["reconnects"])

    async def ensure(self, *, replicas: int = 1, updates: bool = True, consumers: bool = True) -> None:
        """Streams, consumers and buckets exist as declared; with `updates` False nothing is made or changed."""
        await ensure_topology(self.js, replicas=replicas, updates=updates, consumers=consumers)

    async def publish(self, envelopes: Sequence[Envelope]) -> frozenset[str]:
        """Returns when the broker has confirmed every one of them; many are in flight at once.

        Gives the names of the blobs that their cargo is kept in.

        A second publish of the same fact is harmless (its key is the Nats-Msg-Id). Raises TryLater when the broker is
        away or a stream is full, StoreFull where the object store has no room for cargo of theirs; some of them may be
        published then, and a repeat is harmless.
        """
        checked = [await self._check_in(envelope) for envelope in envelopes]
        await self.publish_wires([encode(envelope) for envelope in checked])
        return frozenset(p.blob for envelope in checked for p in envelope.cargo if p.blob is not None)

    async def parcel_of(self, event: Event, file: IO[bytes], *, size: int) -> Parcel:
        """The file, of which `size` bytes are left, as the event's only parcel; a large one is in the object store.

        Raises TryLater as `publish` does.
        """
        if size <= topology.INLINE_CARGO_BYTES:
            return Parcel.of(file.read())
        name = _blob_name(event, 0)
        await self._admit(event, size)
        await self.blobs.put(name, file, size=size)
        return Parcel(size=size, blob=name)

    async def release(self, envelope: Envelope, *, kept: frozenset[str]) -> None:
        """Deletes the blobs of an event that is done with, but for those that a following event still needs.

        Called after the acknowledgement. A blob that stays behind (the broker went away just now) expires by age.
        """
        for parcel in envelope.cargo:
            if parcel.blob is None or parcel.blob in kept:
                continue
            try:
                await self.blobs.delete(parcel.blob)
            except TryLater as error:
                log.info("blob_left_behind", blob=parcel.blob, detail=error.detail[:200])

    async def publish_wires(self, wires: Sequence[Wire]) -> None:
        """The same for events that are already in wire form."""
        await self._publisher.publish(wires)

    async def count(self, stream: topology.Stream) -> int:
        """How many events the stream holds now. Raises TryLater while the broker is away."""
        with nats_errors():
            return int((await self.js.stream_info(stream.name)).state.messages)

    async def subscribe(self, consumer: topology.Consumer) -> Subscription:
        """Binds to the durable consumer, creating or updating it first."""
        if not self.client.is_connected:
            raise TryLater(DEPENDENCY, "not connected")
        await ensure_consumer(self.js, consumer)
        subscription = Subscription(self.client, consumer)
        await subscription.open()
        return subscription

    async def loaded(self, envelope: Envelope) -> Envelope:
        """The envelope with its cargo.

        Bytes that are gone from the object store stay unloaded: a handler that needs them gets Rejected from the
        parcel, one that knows the mail already does not need them.
        """
        if all(parcel.data is not None for parcel in envelope.cargo):
            return envelope
        return replace(envelope, cargo=tuple([await self._loaded(parcel) for parcel in envelope.cargo]))

    async def _loaded(self, parcel: Parcel) -> Parcel:
        if parcel.data is not None or parcel.blob is None:
            return parcel
        try:
            return replace(parcel, data=await self.blobs.get(parcel.blob, size=parcel.size))
        except Rejected as error:
            log.info("blob_missing", blob=parcel.blob, detail=error.detail[:200])
            return parcel

    async def _check_in(self, envelope: Envelope) -> Envelope:
        inline = sum(parcel.size for parcel in envelope.cargo if parcel.blob is None)
        if inline <= topology.INLINE_CARGO_BYTES:
            return envelope
        cargo = list(envelope.cargo)
        for index in sorted(range(len(cargo)), key=lambda i: cargo[i].size, reverse=True):
            if inline <= topology.INLINE_CARGO_BYTES:
                break
            if cargo[index].blob is None:
                inline -= cargo[index].size
                cargo[index] = await self._stored(envelope.event, index, cargo[index])
        return replace(envelope, cargo=tuple(cargo))

    async def _stored(self, event: Event, index: int, parcel: Parcel) -> Parcel:
        name = _blob_name(event, index)
        await self._admit(event, parcel.size)
        await self.blobs.put(name, parcel.bytes)
        return replace(parcel, blob=name)

    async def _admit(self, event: Event, size: int) -> None:
        if isinstance(event, MailFetched):
            await self.blobs.admit(size)


def _blob_name(event: Event, index: int) -> str:
    """The same for a repeat of the event; another for a mail that is fetched in a later run, so that a dead letter of
    it and one of an earlier run each keep their own bytes when the other is discarded. A file that somebody hands over
    is of no run: then it is the time, in steps within which the broker takes a repeat for the same event.
    """
    if not isinstance(event, MailEvent):
        return f"{event.key}.{index}"
    run = event.run_id or str(int(event.fetched_at.timestamp() // topology.DEDUPE_WINDOW))
    return f"{event.key}.{run}.{index}"
