"""Tells how the mailboxes of this fetcher are doing: each change soon, but no mailbox more than once a second."""

import asyncio
from functools import partial

import structlog

from fetcher.standing import Standing
from pipeline.adapters.bus import Bus
from pipeline.adapters.statuses import StatusBucket
from pipeline.errors import TryLater
from pipeline.mailbox import Mailbox
from pipeline.stopping import pause
from pipeline.telemetry.health import Readiness

log = structlog.get_logger(__name__)

TELL_EVERY = 1.0  # seconds
NAMED = 10  # overdue mailboxes


class StatusBoard:
    """The standings of the mailboxes that this fetcher holds."""

    def __init__(self, bus: Bus, readiness: Readiness, *, holder: str) -> None:
        self._bucket = StatusBucket(bus.js)
        self._readiness = readiness
        self._holder = holder
        self._standings: dict[str, Standing] = {}
        self._untold: dict[str, Standing] = {}

    async def take(self, mailbox: Mailbox) -> Standing:
        """A mailbox is held from now on. What was known of it goes on. Raises TryLater while the broker is away."""
        known = await self._bucket.get(mailbox.id)
        standing = Standing(mailbox, known, holder=self._holder, changed=partial(self._note, mailbox.id))
        self._standings[mailbox.id] = standing
        self._note(mailbox.id)
        return standing

    def fail(self, mailbox: Mailbox, detail: str) -> None:
        """The work for a mailbox that is held ended in an error of ours."""
        standing = self._standings.get(mailbox.id)
        if standing is not None:
            standing.failed(detail)

    def give_back(self, mailbox: Mailbox) -> None:
        """The mailbox is no longer held here; harmless when it was not."""
        standing = self._standings.get(mailbox.id)
        if standing is not None:
            standing.ended()
            del self._standings[mailbox.id]

    def forget(self, mailbox_id: str) -> None:
        """The mailbox is deleted: what was not told of it yet never will be."""
        self._untold.pop(mailbox_id, None)

    async def run(self, stopping: asyncio.Event) -> None:
        """Tells until told to stop, then what is left."""
        while not stopping.is_set():
            await self._tell()
            self._complain()
            await pause(stopping, TELL_EVERY)
        await self._tell()

    def _note(self, mailbox_id: str) -> None:
        standing = self._standings.get(mailbox_id)
        if standing is not None:
            self._untold[mailbox_id] = standing

    async def _tell(self) -> None:
        for mailbox_id in list(self._untold):
            standing = self._untold.pop(mailbox_id, None)
            if standing is None:  # forgotten meanwhile
                continue
            try:
                await self._bucket.put(standing.status)
            except TryLater as error:
                log.info("status_not_told", mailbox_id=mailbox_id, detail=error.detail[:200])
                self._untold.setdefault(mailbox_id, standing)
                return

    def _complain(self) -> None:
        late = sorted(mailbox_id for mailbox_id, standing in self._standings.items() if standing.overdue())
        more = f" and {len(late) - NAMED} more" if len(late) > NAMED else ""
        self._readiness.complain("mailboxes", f"overdue: {', '.join(late[:NAMED])}{more}" if late else "")
