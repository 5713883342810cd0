"""What `dmarq events` does: each event as a line that is written, then acknowledged."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pipeline.contracts.topology import Consumer
from pipeline.contracts.wire import KEY, TYPE, Wire
from pipeline.jetstream.pull import Delivery, Subscription
from pipeline.runtime.retry import persist_unless_stopped, unless

AT_ONCE = 100
WAIT_S = 5.0
BEAT_S = 10.0  # a third of the time after which an event is handed out again
WRITE_GRACE_S = 1.0  # for a line in hand when told to stop; a reader that does not read may block it for ever
REPORTS, EVENTS = "REPORT", "EVENT"
KINDS = {
    "report": (REPORTS, "report.stored.*.*"),
    "aggregate": (REPORTS, "report.stored.aggregate.*"),
    "tls": (REPORTS, "report.stored.tls.*"),
    "failure": (REPORTS, "report.stored.failure.*"),
    "event": (EVENTS, "event.*.*"),
    "activity": (EVENTS, "event.*.activity"),
    "fetch-run": (EVENTS, "event.*.fetch_run_finished"),
    "acted": (EVENTS, "event.*.mail_acted"),
    "died": (EVENTS, "event.*.mail_died"),
}
"""By the word of --kind: the stream, and what is read of it."""


class Stuck(Exception):
    """Told to stop while a line could not be written; it was not acknowledged and comes again."""


def consumer(name: str, kind: str) -> Consumer:
    """The durable consumer that reads this kind."""
    stream, subject = KINDS[kind]
    return Consumer(name, stream, subject, max_ack_pending=2 * AT_ONCE)


def line(wire: Wire) -> str:
    """One line: the event in the JSON format of CloudEvents 1.0. `id` is the same when it is handed out again.

    Only ASCII, with everything else escaped, so that no terminal and no reader of lines stumbles over it.
    """
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": wire.headers.get("ce-id") or wire.headers.get(KEY, ""),
        "source": wire.headers.get("ce-source", "/dmarq"),
        "type": wire.headers.get("ce-type") or wire.headers.get(TYPE, ""),
        "subject": wire.subject,
    }
    event |= {name: wire.headers[f"ce-{name}"] for name in ("time",) if f"ce-{name}" in wire.headers}
    event |= {name: wire.headers[name] for name in ("traceparent",) if name in wire.headers}
    try:
        data = {"datacontenttype": "application/json", "data": json.loads(wire.payload)}
    except (ValueError, RecursionError):
        data = {"data_base64": base64.b64encode(wire.payload).decode()}
    return json.dumps(event | data, separators=(",", ":"))


async def follow(subscription: Subscription, write: Callable[[str], None], stopping: asyncio.Event) -> None:
    """Writes each event as a line until told to stop; `write` returns when the line is out of our hands.

    What is not written is given back. A broker that is away is waited for. Raises Stuck, and what `write` raises.
    """

    async def step() -> None:
        done, deliveries = await unless(subscription.take(AT_ONCE, wait=WAIT_S), stopping)
        if done:
            await _written(deliveries or [], write, stopping)

    while not stopping.is_set():
        await persist_unless_stopped(step, stopping)


async def _written(deliveries: list[Delivery], write: Callable[[str], None], stopping: asyncio.Event) -> None:
    waiting = list(reversed(deliveries))
    async with _kept(waiting):
        while waiting and not stopping.is_set():
            writing = asyncio.to_thread(write, line(waiting[-1].wire))
            done, _ = await unless(writing, stopping, grace=WRITE_GRACE_S)
            if not done:
                raise Stuck
            await waiting.pop().ack()
        for delivery in waiting:
            await delivery.give_back()


@asynccontextmanager
async def _kept(waiting: list[Delivery]) -> AsyncIterator[None]:
    """Whoever reads our lines may be slow: meanwhile the broker is told that those in hand are worked on."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for delivery in tuple(waiting):
                await delivery.still_working()

    beating = asyncio.create_task(beat(), name="beat")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
