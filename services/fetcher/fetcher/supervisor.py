"""Which mailboxes this fetcher works for: a task for each, which follows what the bucket `mailbox` says about it."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import aclosing

import structlog

from fetcher.journal import Journal
from fetcher.status import StatusBoard
from pipeline.contracts.mailbox import Mailbox
from pipeline.errors import TryLater, described, leaves
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.ensure import forget_mailbox
from pipeline.jetstream.mailboxes import Change, MailboxBucket
from pipeline.runtime.retry import pause, persist, unless

log = structlog.get_logger(__name__)

AFTER_BUG_S = 30.0
RELIST_EVERY = 30.0  # seconds; a change is heard at once, this only catches what was swallowed on the way
LOOK_EVERY = 1.0  # seconds between looks whether the connection is still the same
SPREAD_S = 0.02  # per mailbox: many mailboxes start over some seconds, not in one moment

Work = Callable[[Mailbox], Coroutine[object, object, None]]
"""Works for a mailbox until cancelled; then ends what is in hand."""


class Supervisor:
    """Follows the bucket. No mailbox ever waits for another one.

    A mailbox is deleted when the bucket says so. One that is merely missing from the bucket goes on as it was: a broker
    that lost its data gets the mailboxes again from the config API.
    """

    def __init__(self, work: Work, *, bus: Bus, mailboxes: MailboxBucket, journal: Journal, board: StatusBoard) -> None:
        self._work = work
        self._bus = bus
        self._mailboxes = mailboxes
        self._journal = journal
        self._board = board
        self._followed: dict[str, FollowedMailbox] = {}

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
            for followed in self._followed.values():
                followed.task.cancel()

    async def _until_reconnected(self, stopping: asyncio.Event) -> None:
        """A subscription that lived through a restart of the broker may be deaf for a while."""
        reconnects = self._bus.reconnects
        while self._bus.reconnects == reconnects and not stopping.is_set():
            await pause(stopping, LOOK_EVERY)

    async def _relist(self, group: asyncio.TaskGroup) -> None:
        while True:
            await asyncio.sleep(RELIST_EVERY)
            await self._list(group)

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        async def hear() -> None:
            async with aclosing(self._mailboxes.changes()) as changes:
                async for change in changes:
                    self._tell(change, group)

        while True:
            await persist(hear)

    async def _list(self, group: asyncio.TaskGroup, *, spread_s: float = 0.0) -> None:
        try:
            listed = await self._mailboxes.all()
        except TryLater as error:
            log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200])
            return
        for change in listed:
            if change.id in self._followed or not change.deleted:  # old deletions are for whoever listens again
                spread = random.uniform(0, spread_s * len(listed))  # noqa: S311 spread, not secrecy
                self._tell(change, group, delay=spread)

    def _tell(self, change: Change, group: asyncio.TaskGroup, *, delay: float = 0.0) -> None:
        known = self._followed.get(change.id)
        if known is not None:
            known.update(change)
            return
        following = FollowedMailbox(change, self._work, self._forget, self._complain)
        self._followed[change.id] = following
        following.task = group.create_task(self._follow(following, change.id, delay), name=f"mailbox-{change.id}")

    async def _follow(self, following: "FollowedMailbox", mailbox_id: str, delay: float) -> None:
        await following.run(delay)
        del self._followed[mailbox_id]

    async def _forget(self, mailbox_id: str) -> None:
        """What the broker keeps for a mailbox goes with it."""
        self._board.forget(mailbox_id)
        await persist(lambda: forget_mailbox(self._bus.js, mailbox_id))

    def _complain(self, mailbox_id: str, error: BaseException) -> None:
        log.error("mailbox_task_failed", mailbox_id=mailbox_id, error=described(error), exc_info=error)
        facts = {"error": type(error).__name__, "retry_in_s": AFTER_BUG_S}
        self._journal.imap(mailbox_id, "error", "internal_error", facts)


class FollowedMailbox:
    """Works for the mailbox while it is enabled, always by its latest settings. `task` is what runs it."""

    task: "asyncio.Task[None]"

    def __init__(
        self,
        change: Change,
        work: Work,
        forget: Callable[[str], Coroutine[object, object, None]],
        complain: Callable[[str, BaseException], None],
    ) -> None:
        self._latest = change
        self._work = work
        self._forget = forget
        self._complain = complain
        self._changed = asyncio.Event()

    def update(self, change: Change) -> None:
        """The mailbox as it is now. Settings older than those at work are passed over."""
        if change == self._latest or _is_older(change, self._latest):
            return
        self._latest = change
        self._changed.set()

    async def run(self, delay: float) -> None:
        """Begins after so many seconds. Returns when the mailbox is deleted and forgotten, else when cancelled."""
        await pause(self._changed, delay)
        while True:
            self._changed.clear()
            try:
                forgotten = await self._worked()
            except* Exception as group:  # noqa: BLE001 a bug with one mailbox must not stop the others
                self._complain(self._latest.id, leaves(group)[0])
                await pause(self._changed, AFTER_BUG_S)
                forgotten = False
            if forgotten and not self._changed.is_set():
                return

    async def _worked(self) -> bool:
        """Does what the latest change asks for, until the next one; whether nothing is left to do, ever."""
        change = self._latest
        if change.deleted:
            forgotten, _ = await unless(self._forget(change.id), self._changed)
            return forgotten
        if change.mailbox is None or not change.mailbox.settings.enabled:
            await self._changed.wait()
        else:
            await unless(self._work(change.mailbox), self._changed)
        return False


def _is_older(change: Change, latest: Change) -> bool:
    if change.mailbox is None or latest.mailbox is None:
        return False
    return change.mailbox.version < latest.mailbox.version
