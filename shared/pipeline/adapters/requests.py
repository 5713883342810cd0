"""Request and reply over plain NATS subjects: the connection test and "fetch now", which need an answer at once."""

from collections.abc import Awaitable, Callable

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import NoRespondersError

from pipeline.adapters.connection import nats_errors
from pipeline.errors import described

log = structlog.get_logger(__name__)

Answer = Callable[[bytes], Awaitable[bytes]]


class NobodyAnswers(Exception):
    """No service listens on the subject now."""


async def request(client: Client, subject: str, payload: bytes, *, timeout: float) -> bytes:
    """The answer. Raises NobodyAnswers when no service listens, TryLater when the broker is away or time runs out."""
    with nats_errors():
        try:
            return bytes((await client.request(subject, payload, timeout=timeout)).data)
        except NoRespondersError:
            raise NobodyAnswers(subject) from None


async def serve(client: Client, subject: str, answer: Answer, *, queue: str = "") -> Subscription:
    """Answers requests until unsubscribed; with a queue name, one of its members answers each."""

    async def reply(msg: Msg) -> None:
        try:
            with nats_errors():
                await msg.respond(await answer(msg.data))
        except Exception as error:  # noqa: BLE001 one bad request must not end the answering of others
            log.error("request_failed", subject=subject, error=described(error))

    with nats_errors():
        return await client.subscribe(subject, queue=queue, cb=reply)
