"""The dead letters in their stream: listed by their headers alone, opened, sent on their way again, discarded."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

import structlog
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamState
from nats.js.errors import APIError, NotFoundError

from pipeline.contracts import topology
from pipeline.contracts.dead_letter import mailbox_of, revived
from pipeline.contracts.mailbox import Handling
from pipeline.contracts.wire import MAIL_ID, Wire, decode
from pipeline.errors import Rejected
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import code_of, nats_errors

log = structlog.get_logger(__name__)

Settings: TypeAlias = Callable[[str], Awaitable[Handling | None]]  # by mailbox id
SIZE = "Nats-Msg-Size"  # set by the server where only headers are delivered
WINDOW = 200  # dead letters looked at in one go
STREAM = topology.DEAD.name
NO_SUCH_MESSAGE = 10037
WAIT = 2.0  # seconds for dead letters that the server said were there


class NoSuchDeadLetter(LookupError):
    """The dead letter was retried or discarded meanwhile, or expired."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter's number in the stream, its headers, and its size in bytes. `wire.payload` is empty in a list."""

    sequence: int
    wire: Wire
    size: int


class DeadLetters:
    """Every call raises TryLater while the broker is away."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._js = bus.js

    async def newest(self, *, below: int | None = None) -> AsyncIterator[DeadLetter]:
        """Dead letters with a number under `below`, newest first, without their payloads."""
        state = await self._state()
        upper = state.last_seq + 1 if below is None else min(below, state.last_seq + 1)
        while state.messages and upper > state.first_seq:
            lower = max(state.first_seq, upper - WINDOW)
            for dead_letter in reversed(await self._between(lower, upper)):
                yield dead_letter
            upper = lower

    async def first_number(self) -> int:
        """The number of the oldest dead letter; those below it are gone."""
        return (await self._state()).first_seq

    async def oldest(self, *, above: int = 0) -> AsyncIterator[DeadLetter]:
        """The dead letters with a number over `above` that are there now, oldest first, without their payloads."""
        state = await self._state()
        if not state.messages:
            return
        for lower in range(max(state.first_seq, above + 1), state.last_seq + 1, WINDOW):
            for dead_letter in await self._between(lower, min(lower + WINDOW, state.last_seq + 1)):
                yield dead_letter

    async def get(self, sequence: int) -> DeadLetter:
        """One dead letter, whole. Raises NoSuchDeadLetter."""
        with nats_errors():
            try:
                raw = await self._js.get_msg(STREAM, seq=sequence, direct=False)
            except NotFoundError:
                raise NoSuchDeadLetter(sequence) from None
        payload = raw.data or b""
        return DeadLetter(sequence, Wire(raw.subject or "", dict(raw.headers or {}), payload), len(payload))

    async def retry(self, sequence: int, *, todays: Settings | None = None) -> None:
        """Publishes the event as a new attempt, then deletes it here and what only it kept. Raises NoSuchDeadLetter.

        `todays` gives the settings that a mailbox has now, for its mail to be tried under; None where they are unknown.
        """
        dead_letter = await self.get(sequence)
        handling = await todays(mailbox_of(dead_letter.wire.subject)) if todays else None
        wire = revived(dead_letter.wire, again=sequence, handling=handling)
        await self._bus.publish_wires([wire])
        log.info("dead_letter_retried", dead_letter=sequence, mail_id=wire.headers.get(MAIL_ID))
        await self._delete(sequence)
        await self._release(dead_letter, kept=_blobs(wire))

    async def discard(self, sequence: int) -> None:
        """Deletes the dead letter and the bytes that it keeps in the object store. Raises NoSuchDeadLetter."""
        dead_letter = await self.get(sequence)
        await self._delete(sequence)
        log.info("dead_letter_discarded", dead_letter=sequence, mail_id=dead_letter.wire.headers.get(MAIL_ID))
        await self._release(dead_letter, kept=frozenset())

    async def cargo(self, sequence: int) -> bytes | None:
        """The bytes of the mail that died, or None where the event carries none.

        Raises NoSuchDeadLetter, and Rejected when they cannot be read or are gone.
        """
        dead_letter = await self.get(sequence)
        envelope = decode(dead_letter.wire.headers, dead_letter.wire.payload)
        if not envelope.cargo:
            return None
        mail = envelope.cargo[0]
        return await self._bus.blobs.get(mail.blob) if mail.blob is not None else mail.bytes

    async def _release(self, dead_letter: DeadLetter, *, kept: frozenset[str]) -> None:
        with suppress(Rejected):
            await self._bus.release(decode(dead_letter.wire.headers, dead_letter.wire.payload), kept=kept)

    async def _state(self) -> StreamState:
        with nats_errors():
            return (await self._js.stream_info(STREAM)).state

    async def _delete(self, sequence: int) -> None:
        with nats_errors():
            try:
                await self._js.delete_msg(STREAM, sequence)
            except APIError as error:
                if code_of(error) != NO_SUCH_MESSAGE:
                    raise

    async def _between(self, lower: int, upper: int) -> list[DeadLetter]:
        found: list[DeadLetter] = []
        async with _headers_from(self._js, lower) as puller:
            while True:
                info = await puller.consumer_info()
                if not info.num_pending:
                    return found
                try:
                    batch = await puller.fetch(min(WINDOW, info.num_pending), timeout=WAIT)
                except (NatsTimeoutError, TimeoutError):
                    return found
                for msg in batch:
                    sequence = msg.metadata.sequence.stream
                    if sequence >= upper:
                        return found
                    headers = dict(msg.headers or {})
                    size = int(headers.pop(SIZE, "0"))
                    found.append(DeadLetter(sequence, Wire(msg.subject, headers, b""), size))


def _blobs(wire: Wire) -> frozenset[str]:
    """The names of the blobs that an event's cargo is kept in; none where it cannot be read."""
    with suppress(Rejected):
        return frozenset(p.blob for p in decode(wire.headers, wire.payload).cargo if p.blob is not None)
    return frozenset()


@asynccontextmanager
async def _headers_from(js: JetStreamContext, sequence: int) -> AsyncIterator[JetStreamContext.PullSubscription]:
    """A reader of headers that the server forgets by itself."""
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=sequence,
        ack_policy=AckPolicy.NONE,
        headers_only=True,
        inactive_threshold=10.0,
        mem_storage=True,
    )
    with nats_errors():
        info = await js.add_consumer(STREAM, config)
        puller = await js.pull_subscribe_bind(consumer=info.name, stream=STREAM)
        try:
            yield puller
        finally:
            await puller.unsubscribe()
            await js.delete_consumer(STREAM, info.name)
