"""Which mailboxes this fetcher works for: a seat for each, which hears what the bucket `mailbox` says about it."""

import asyncio
import random
from contextlib import aclosing

import structlog

from fetcher.mailbox_worker import Office, Tenure
from pipeline.errors import TryLater, described, leaves
from pipeline.jetstream.ensure import forget_mailbox
from pipeline.jetstream.mailboxes import Change, MailboxBucket
from pipeline.runtime.retry import pause, wait_for

log = structlog.get_logger(__name__)

AFTER_BUG_S = 30.0


class Seat:
    """Works for the mailbox while it is enabled; when it is deleted, what the broker keeps for it goes too."""

    def __init__(self, change: Change, office: Office, *, delay: float = 0.0) -> None:
        self._wanted = change
        self._office = office
        self._delay = delay
        self._news = asyncio.Event()
        self._closed = False

    def hear(self, change: Change) -> None:
        """The mailbox as it is now. Settings older than those at work are passed over."""
        if change == self._wanted or _is_older(change, self._wanted):
            return
        self._wanted = change
        self._news.set()

    def close(self) -> None:
        """Ends the work after what is in hand."""
        self._closed = True
        self._news.set()

    async def run(self) -> None:
        """Returns when closed, or when the mailbox is deleted and forgotten."""
        await pause(self._news, self._delay)
        done = False
        while not self._closed and not done:
            self._news = asyncio.Event()
            try:
                done = await self._follow(self._wanted, self._news)
            except* Exception as group:  # noqa: BLE001 a bug with one mailbox must not stop the others
                self._complain(leaves(group)[0])
                await pause(self._news, AFTER_BUG_S)

    async def _follow(self, change: Change, news: asyncio.Event) -> bool:
        """Does what the change asks for, until there are news; True when nothing is left to do, ever."""
        if change.deleted:
            return await self._forgotten(change.id, news)
        if change.mailbox is None or not change.mailbox.settings.enabled:
            await news.wait()
        else:
            await Tenure(change.mailbox, self._office).run(news)
        return False

    async def _forgotten(self, mailbox_id: str, news: asyncio.Event) -> bool:
        self._office.board.forget(mailbox_id)
        attempt = 0
        while not news.is_set():
            attempt += 1
            try:
                await forget_mailbox(self._office.bus.js, mailbox_id)
            except TryLater as error:
                await wait_for(error, attempt=attempt, stopping=news)
            else:
                return not news.is_set()
        return False

    def _complain(self, error: BaseException) -> None:
        log.error("mailbox_task_failed", mailbox_id=self._wanted.id, error=described(error), exc_info=error)
        facts = {"error": type(error).__name__, "retry_in_s": AFTER_BUG_S}
        self._office.journal.imap(self._wanted.id, "error", "internal_error", facts)


def _is_older(change: Change, wanted: Change) -> bool:
    if change.mailbox is None or wanted.mailbox is None:
        return False
    return change.mailbox.version < wanted.mailbox.version


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
