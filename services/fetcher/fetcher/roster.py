"""Which mailboxes this fetcher works for: a seat for each, which hears what the bucket `mailbox` says about it."""

import asyncio
import random
from contextlib import aclosing

import structlog

from fetcher.seat import Seat
from fetcher.tenure import Office
from pipeline.adapters.mailboxes import Change, MailboxBucket
from pipeline.errors import TryLater
from pipeline.stopping import pause

log = structlog.get_logger(__name__)

RELIST_EVERY = 10.0  # seconds; a change is heard at once, this only catches what was swallowed on the way
LISTEN_AGAIN = 1.0  # seconds
LOOK_EVERY = 0.5  # seconds between looks whether the connection is still the same
SPREAD_S = 0.02  # per mailbox: many mailboxes start over some seconds, not in one moment


class Roster:
    """Follows the bucket. No mailbox ever waits for another one.

    A mailbox is deleted when the bucket says so. One that is merely missing from the bucket goes on as it was: a
    broker that lost its data gets the mailboxes anew from the config API.
    """

    def __init__(self, office: Office, mailboxes: MailboxBucket) -> None:
        self._office = office
        self._mailboxes = mailboxes
        self._seats: dict[str, Seat] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Follows the bucket until told to stop, then ends the work for every mailbox after what is in hand."""
        async with asyncio.TaskGroup() as group:
            await self._list(group, spread_s=SPREAD_S)
            relisting = group.create_task(self._relist(group), name="mailbox-list")
            while not stopping.is_set():
                listening = group.create_task(self._listen(group), name="mailbox-changes")
                await self._until_reconnected(stopping)
                listening.cancel()
            relisting.cancel()
            for seat in self._seats.values():
                seat.close()

    async def _until_reconnected(self, stopping: asyncio.Event) -> None:
        """A subscription that lived through a restart of the broker may be deaf for a while."""
        bus = self._office.bus
        reconnects = bus.reconnects
        while bus.reconnects == reconnects and not stopping.is_set():
            await pause(stopping, LOOK_EVERY)

    async def _relist(self, group: asyncio.TaskGroup) -> None:
        while True:
            await asyncio.sleep(RELIST_EVERY)
            await self._list(group)

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                async with aclosing(self._mailboxes.changes()) as changes:
                    async for change in changes:
                        self._tell(change, group)
            except TryLater as error:
                log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200])
                await asyncio.sleep(LISTEN_AGAIN)

    async def _list(self, group: asyncio.TaskGroup, *, spread_s: float = 0.0) -> None:
        try:
            listed = await self._mailboxes.all()
        except TryLater as error:
            log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200])
            return
        for change in listed:
            if change.id in self._seats or not change.deleted:  # deletions of long ago are for whoever listens anew
                spread = random.uniform(0, spread_s * len(listed))  # noqa: S311 spread, not secrecy
                self._tell(change, group, delay=spread)

    def _tell(self, change: Change, group: asyncio.TaskGroup, *, delay: float = 0.0) -> None:
        seat = self._seats.get(change.id)
        if seat is not None:
            seat.hear(change)
            return
        self._seats[change.id] = seat = Seat(change, self._office, delay=delay)
        group.create_task(self._seated(change.id, seat), name=f"mailbox-{change.id}")

    async def _seated(self, mailbox_id: str, seat: Seat) -> None:
        await seat.run()
        del self._seats[mailbox_id]
