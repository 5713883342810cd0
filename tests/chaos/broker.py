"""The broker as the story needs it: started, killed, made small, and asked what its streams hold."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Protocol, TypeVar

from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from config_api.backend.loop import Loop
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.topology import DEAD, REPORT
from pipeline.contracts.wire import KEY
from pipeline.jetstream.bus import Bus
from tests.support.client import bus, put_mailbox

T = TypeVar("T")
ASK_S = 60.0


class Broker(Protocol):
    """A NATS server, or several that work as one."""

    @property
    def url(self) -> str:
        """Where clients connect."""

    @property
    def port(self) -> int:
        """The port of the (first) server, for a wire to it."""

    def kill(self) -> None:
        """Ends a server with SIGKILL."""

    def start(self) -> object:
        """Starts what was killed, and returns when it takes clients."""


class BusDesk:
    """Asks the bus directly, not over a wire."""

    def __init__(self, loop: Loop, url: str) -> None:
        self._loop = loop
        self._url = url

    def put_mailbox(self, mailbox: Mailbox) -> None:
        """Tells the fetchers about the mailbox."""
        self._ask(lambda opened: put_mailbox(opened, mailbox))

    def waiting(self) -> Mapping[str, int]:
        """How many events each work queue holds."""

        async def counts(opened: Bus) -> dict[str, int]:
            names = ("MAIL", "EXTRACT", "COMMAND")
            return {name: (await opened.js.stream_info(name)).state.messages for name in names}

        return self._ask(counts)

    def dead_letters(self) -> list[str]:
        """The key of every dead letter."""

        async def keys(opened: Bus) -> list[str]:
            state = (await opened.js.stream_info(DEAD.name)).state
            found = []
            for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
                try:
                    letter = await opened.js.get_msg(DEAD.name, seq=sequence)
                except NotFoundError:
                    continue
                found.append((letter.headers or {}).get(KEY, ""))
            return found

        return self._ask(keys)

    def announced(self) -> int:
        """How many reports third parties were told of."""

        async def count(opened: Bus) -> int:
            return await opened.count(REPORT)

        return self._ask(count)

    def limit(self, stream: str, *, events: int = -1, max_bytes: int = -1) -> None:
        """Makes a stream so small; what it holds already stays."""

        async def change(opened: Bus) -> None:
            config: StreamConfig = (await opened.js.stream_info(stream)).config
            await opened.js.update_stream(config.evolve(max_msgs=events, max_bytes=max_bytes))

        self._ask(change)

    def _ask(self, question: Callable[[Bus], Awaitable[T]]) -> T:
        async def asked() -> T:
            async with AsyncExitStack() as stack:
                return await question(await stack.enter_async_context(bus(self._url, ensured=False)))

        return self._loop.call(asked(), timeout=ASK_S)
