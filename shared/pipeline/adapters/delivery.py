"""A delivery: JetStream handing us an event, once more maybe, until it is settled."""

import re
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.errors import NotJSMessageError

from pipeline.adapters.connection import nats_errors
from pipeline.wire import Wire

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
