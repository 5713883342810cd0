"""Plain NATS subjects: requests that need an answer at once (a connection test, "fetch now"), and events overheard
as they are published."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from pipeline.contracts.wire import Wire
from pipeline.errors import TryLater, described
from pipeline.jetstream.connection import nats_errors

log = structlog.get_logger(__name__)

Answer = Callable[[bytes], Awaitable[bytes]]

AT_ONCE = 20  # requests that are worked on at the same time; further ones wait


class NobodyAnswers(Exception):
    """No service listens on the subject now."""


async def request(client: Client, subject: str, payload: bytes, *, timeout: float) -> bytes:
    """The answer. Raises NobodyAnswers when no service listens, TryLater when the broker is away or time runs out."""
    with nats_errors():
        try:
            return bytes((await client.request(subject, payload, timeout=timeout)).data)
        except NoRespondersError:
            raise NobodyAnswers(subject) from None


@asynccontextmanager
async def serving(client: Client, subject: str, answer: Answer, *, queue: str = "") -> AsyncIterator[None]:
    """Answers requests inside the block, a slow one beside the others; with a queue name, one of its members answers.

    Raises TryLater while the broker is away.
    """
    room = asyncio.Semaphore(AT_ONCE)
    in_hand: set[asyncio.Task[None]] = set()

    async def reply(msg: Msg) -> None:
        try:
            with nats_errors():
                await msg.respond(await answer(msg.data))
        except Exception as error:  # noqa: BLE001 one bad request must not end the answering of others
            log.error("request_failed", subject=subject, error=described(error))
        finally:
            room.release()

    async def take(msg: Msg) -> None:
        await room.acquire()
        task = asyncio.create_task(reply(msg), name=f"answer-{subject}")
        in_hand.add(task)
        task.add_done_callback(in_hand.discard)

    with nats_errors():
        subscription = await client.subscribe(subject, queue=queue, cb=take)
    try:
        yield
    finally:
        with suppress(TryLater), nats_errors():  # a broker that is away forgets us by itself
            await subscription.unsubscribe()
        for task in in_hand:
            task.cancel()
        await asyncio.gather(*in_hand, return_exceptions=True)


async def overhear(client: Client, subjects: Sequence[str], heard: Callable[[Wire], None]) -> None:
    """Calls `heard` for every event on these subjects until the connection is closed; `heard` must not wait.

    Subscriptions outlive a reconnect. Raises TryLater while the broker is away.
    """

    async def pass_on(msg: Msg) -> None:
        heard(Wire(msg.subject, dict(msg.headers or {}), msg.data))

    with nats_errors():
        for subject in subjects:
            await client.subscribe(subject, cb=pass_on)
