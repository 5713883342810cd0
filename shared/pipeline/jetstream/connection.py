"""One connection to NATS, and the translation of the driver's errors into ours."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from math import ceil
from typing import Any

import structlog
from nats import errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import (
    APIError,
    BadRequestError,
    InvalidBucketNameError,
    InvalidKeyError,
    InvalidObjectNameError,
)

from pipeline.addresses import nats_servers
from pipeline.errors import TryLater
from pipeline.runtime.retry import unless

log = structlog.get_logger(__name__)

AWAY = (OSError, TimeoutError)  # nobody answers there
ADVICE = "start the server or set DMARQ_NATS_URL"
SAY_AGAIN_AFTER = 10.0  # seconds until an error that repeats is logged again


class Watch:
    """Hears what becomes of the connection, and says so in the log, but not the same thing twice a second.

    `servers` is where it looks for NATS, without credentials; `on_change` hears True when connected and False when not.
    """

    def __init__(self, servers: str, on_change: Callable[[bool], None]) -> None:
        self._servers = servers
        self._on_change = on_change
        self._said: dict[str, float] = {}
        self._is_up = False
        self.gone = asyncio.Event()  # the driver has given up for good

    def up(self) -> None:
        """There is a connection."""
        self._is_up = True
        self._said.clear()
        self._on_change(True)

    def leaving(self) -> None:
        """What ends from now on ends because we end it."""
        self._is_up = False

    async def lost(self) -> None:
        """The driver has no connection any more, and looks for one."""
        if self._is_up:
            log.warning("nats_disconnected", servers=self._servers)
        self._is_up = False
        self._on_change(False)

    async def back(self) -> None:
        """The driver has a connection again."""
        log.info("nats_reconnected")
        self.up()

    async def closed(self) -> None:
        """The driver looks for none any more."""
        self._on_change(False)
        self.gone.set()

    async def failed(self, error: Exception) -> None:
        """What the driver says of an attempt, or of the connection it has."""
        text = str(error)[:300] or type(error).__name__
        now = asyncio.get_running_loop().time()
        if now - self._said.get(text, -SAY_AGAIN_AFTER) < SAY_AGAIN_AFTER:
            return
        self._said[text] = now
        if isinstance(error, AWAY):
            log.warning("waiting_for", dependency="nats", servers=self._servers, detail=text, advice=ADVICE)
        else:
            log.warning("nats_error", servers=self._servers, error=text)


DEPENDENCY = "nats"
FULL_CODES = frozenset({10002, 10023, 10028, 10047, 10077})  # limits of the account, the server and the stream
PENDING_BYTES = 64 * 1024 * 1024
API_TIMEOUT = 5.0  # seconds
LOOK_EVERY = 1.0  # seconds between looks at the connection while an answer is awaited

# No broker that comes back fixes these: they are mistakes of ours, and the runtime judges them as such.
MISTAKES = (
    errors.BadHeaderError,
    errors.BadSubjectError,
    errors.BadTimeoutError,
    errors.InvalidCallbackTypeError,
    errors.MaxPayloadError,
    errors.MsgAlreadyAckdError,
    errors.NotJSMessageError,
    BadRequestError,
    InvalidBucketNameError,
    InvalidKeyError,
    InvalidObjectNameError,
)


@contextmanager
def nats_errors() -> Iterator[None]:
    """Raises TryLater for what a broker that is away, restarting or full makes the driver raise; mistakes pass."""
    try:
        yield
    except APIError as error:
        if code_of(error) in FULL_CODES:
            raise TryLater(DEPENDENCY, f"full: {error.description}") from error
        if isinstance(error, MISTAKES):
            raise
        raise TryLater(DEPENDENCY, str(error)) from error
    except MISTAKES:
        raise
    except (TimeoutError, ConnectionError, errors.Error) as error:
        raise TryLater(DEPENDENCY, str(error) or type(error).__name__) from error


def code_of(error: APIError) -> int | None:
    """The broker's code; None for an error that the driver made up itself, which has no such attribute."""
    return getattr(error, "err_code", None)


@asynccontextmanager
async def connected(
    url: str, *, name: str, stopping: asyncio.Event, on_change: Callable[[bool], None]
) -> AsyncIterator[Client | None]:
    """A client that reconnects for ever; `on_change` hears True when connected and False when not.

    `url` may name the servers of a cluster, with commas in between.

    Waits for the server as long as it takes, with a log line every few seconds; gives None when told to stop meanwhile.
    Should the broker end the connection in a way that the driver does not come back from, stopping is set and
    ConnectionError is raised at the end of the context.
    """
    watch = Watch(nats_servers(url), on_change)
    client = Client()
    if not await _connect(client, url, name=name, stopping=stopping, watch=watch):
        yield None
        return
    watch.up()
    giving_up = asyncio.create_task(_stop_when_gone(watch, stopping), name="nats-gone")
    try:
        yield client
    finally:
        gone = watch.gone.is_set()
        giving_up.cancel()
        watch.leaving()
        await _close(client)
    if gone:
        raise ConnectionError(f"NATS has ended the connection: {client.last_error or 'no reason given'}")


async def _connect(client: Client, url: str, *, name: str, stopping: asyncio.Event, watch: Watch) -> bool:
    options: dict[str, Any] = {
        "name": name,
        "inbox_prefix": f"_INBOX_{name}",  # answers to one service can be kept from the others by permissions
        "max_reconnect_attempts": -1,  # so the driver tries for ever, the first time too
        "reconnect_time_wait": 0.5,
        "connect_timeout": 5,
        "ping_interval": 10,
        "max_outstanding_pings": 2,
        "drain_timeout": 3,
        "pending_size": PENDING_BYTES,
    }
    callbacks: dict[str, Any] = {
        "error_cb": watch.failed,
        "disconnected_cb": watch.lost,
        "reconnected_cb": watch.back,
        "closed_cb": watch.closed,
    }
    servers = [server.strip() for server in url.split(",")]
    done, _ = await unless(client.connect(servers, **options, **callbacks), stopping)
    if not done:
        await _close(client)
    return done


async def _stop_when_gone(watch: Watch, stopping: asyncio.Event) -> None:
    await watch.gone.wait()
    log.error("nats_gone")
    stopping.set()


async def heard(client: Client, event: asyncio.Event, *, timeout: float) -> None:
    """Returns when the event is set, which an answer of the broker does.

    Raises TryLater as soon as the connection in which the answer would come is lost, and after `timeout` seconds.
    """
    reconnects = client.stats["reconnects"]
    for _ in range(ceil(timeout / LOOK_EVERY)):
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await event.wait()
                return
        if not client.is_connected or client.stats["reconnects"] != reconnects:
            raise TryLater(DEPENDENCY, "the connection was lost")
    raise TryLater(DEPENDENCY, "no answer")


async def _close(client: Client) -> None:
    """What cannot be sent any more is not worth an error: the work it belongs to comes again."""
    try:
        if client.is_connected:
            await asyncio.wait_for(client.flush(timeout=2), 3)
        await client.close()
    except (TimeoutError, ConnectionError, errors.Error) as error:
        log.info("nats_close_failed", error=str(error)[:300] or type(error).__name__)


def jetstream(client: Client) -> JetStreamContext:
    """JetStream's administration, buckets and object store over the client; events go through the publisher."""
    return client.jetstream(timeout=API_TIMEOUT)
