"""Overhearing: each event as it is published, for whoever is listening just then; nothing is kept or acknowledged."""

from collections.abc import Callable, Sequence

from nats.aio.client import Client
from nats.aio.msg import Msg

from pipeline.adapters.connection import nats_errors
from pipeline.wire import Wire


async def overhear(client: Client, subjects: Sequence[str], heard: Callable[[Wire], None]) -> None:
    """Calls `heard` for every event on these subjects until the connection is closed; `heard` must not wait.

    Subscriptions outlive a reconnect. Raises TryLater while the broker is away.
    """

    async def pass_on(msg: Msg) -> None:
        heard(Wire(msg.subject, dict(msg.headers or {}), msg.data))

    with nats_errors():
        for subject in subjects:
            await client.subscribe(subject, cb=pass_on)
