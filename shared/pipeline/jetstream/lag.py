"""How far behind a consumer is, and how full a stream is, as the broker tells it."""

import sys
from dataclasses import dataclass

from nats.js import JetStreamContext

from pipeline.contracts import topology
from pipeline.jetstream.connection import nats_errors


@dataclass(frozen=True, slots=True)
class Lag:
    """Events of one consumer: `waiting` are not handed out yet, `in_hand` are and wait for an acknowledgement."""

    waiting: int
    in_hand: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What a stream holds: a number of events, and the larger of bytes and events as a ratio of what it may hold."""

    events: int
    fullness: float


async def lag(js: JetStreamContext, consumer: topology.Consumer) -> Lag:
    """The lag at this moment. Raises TryLater."""
    with nats_errors():
        info = await js.consumer_info(consumer.stream, consumer.name)
    return Lag(info.num_pending or 0, info.num_ack_pending or 0)


async def in_flight(js: JetStreamContext, mailbox_id: str) -> int:
    """How many mails of the mailbox are fetched and not in the ledger yet. Raises TryLater."""
    found = 0
    for stream in (topology.MAIL, topology.EXTRACT):
        subject = stream.subjects[0].replace("*", mailbox_id)
        with nats_errors():
            subjects = (await js.stream_info(stream.name, subjects_filter=subject)).state.subjects
        found += (subjects or {}).get(subject, 0)
    return found


async def holding(js: JetStreamContext, stream: topology.Stream) -> Holding:
    """What the stream holds at this moment. Raises TryLater."""
    with nats_errors():
        state = (await js.stream_info(stream.name)).state
    by_events = state.messages / stream.max_events if stream.max_events > 0 else 0.0
    return Holding(state.messages, max(state.bytes / stream.max_bytes, by_events))


@dataclass(frozen=True, slots=True)
class BlobStore:
    """What the object store holds and may hold, in bytes; and the pieces that it holds."""

    held: int
    most: int
    pieces: int = 0

    @property
    def fullness(self) -> float:
        """As a ratio."""
        return self.held / self.most

    @property
    def room(self) -> int:
        """Bytes of new email that it takes in; less than 0 where it holds too much for that."""
        return int(self.most * topology.BLOB_NEW_SHARE) - self.held


async def blob_store(js: JetStreamContext) -> BlobStore:
    """The object store at this moment. Raises TryLater."""
    with nats_errors():
        info = await js.stream_info(topology.BLOB_STREAM)
    most = info.config.max_bytes or 0
    return BlobStore(info.state.bytes, most if most > 0 else sys.maxsize, info.state.messages)
