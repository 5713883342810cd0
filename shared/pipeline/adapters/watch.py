"""What the log says of the connection to NATS: where it looks while nobody answers, and that it was lost or is back."""

import asyncio
from collections.abc import Callable

import structlog

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
