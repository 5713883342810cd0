"""Which mailboxes this fetcher works for: one task each, started, changed and ended as the bucket `mailbox` says."""

import asyncio
import random
from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from fetcher.journal import Journal
from fetcher.tenure import Tenure
from pipeline.adapters.bus import Bus
from pipeline.adapters.mailboxes import Change, MailboxBucket
from pipeline.errors import TryLater
from pipeline.limits import Limits
from pipeline.mailbox import Mailbox
from pipeline.stopping import pause

log = structlog.get_logger(__name__)

RELIST_EVERY = 10.0  # seconds; a change is heard at once, this only catches what a broken connection swallowed
SPREAD_S = 0.02  # per mailbox: many mailboxes start over some seconds, not in one moment
AFTER_BUG_S = 30.0


@dataclass(slots=True)
class _Running:
    mailbox: Mailbox
    ending: asyncio.Event
    task: asyncio.Task[None]


class Roster:
    """Keeps one task for every enabled mailbox."""

    def __init__(self, *, holder: str, bus: Bus, mailboxes: MailboxBucket, journal: Journal, limits: Limits) -> None:
        self._holder = holder
        self._bus = bus
        self._mailboxes = mailboxes
        self._journal = journal
        self._limits = limits
        self._running: dict[str, _Running] = {}
        self._changing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, stopping: asyncio.Event) -> None:
        """Follows the bucket until told to stop, then ends every task after what it has in hand."""
        listening = asyncio.create_task(self._listen(), name="mailbox-changes")
        try:
            while not stopping.is_set():
                await self._relist()
                await pause(stopping, RELIST_EVERY)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await asyncio.gather(*(self._end(mailbox_id) for mailbox_id in list(self._running)))

    async def _listen(self) -> None:
        while True:
            try:
                async with aclosing(self._mailboxes.changes()) as changes:
                    async for change in changes:
                        await self._apply(change)
            except TryLater as error:
                log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200])
                await asyncio.sleep(1.0)

    async def _relist(self) -> None:
        try:
            mailboxes = {mailbox.id: mailbox for mailbox in await self._mailboxes.all()}
        except TryLater as error:
            log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200])
            return
        for mailbox_id in set(self._running).difference(mailboxes):
            await self._apply(Change(mailbox_id, None))
        for mailbox in mailboxes.values():
            await self._apply(Change(mailbox.id, mailbox))

    async def _apply(self, change: Change) -> None:
        async with self._changing[change.id]:
            await self._apply_alone(change)

    async def _apply_alone(self, change: Change) -> None:
        running = self._running.get(change.id)
        wanted = change.mailbox if change.mailbox is not None and change.mailbox.settings.enabled else None
        if running is not None and (running.mailbox == wanted or _is_older(wanted, running.mailbox)):
            return
        if running is not None:
            await self._end(change.id)
        if wanted is not None:
            self._start(wanted)

    def _start(self, mailbox: Mailbox) -> None:
        ending = asyncio.Event()
        delay = random.uniform(0, SPREAD_S * len(self._running))  # noqa: S311 spread, not secrecy
        task = asyncio.create_task(self._work(mailbox, ending, delay=delay), name=f"mailbox-{mailbox.id}")
        self._running[mailbox.id] = _Running(mailbox, ending, task)

    async def _end(self, mailbox_id: str) -> None:
        running = self._running.pop(mailbox_id, None)
        if running is not None:
            running.ending.set()
            await running.task

    async def _work(self, mailbox: Mailbox, ending: asyncio.Event, *, delay: float) -> None:
        await pause(ending, delay)
        while not ending.is_set():
            tenure = Tenure(mailbox, holder=self._holder, bus=self._bus, journal=self._journal, limits=self._limits)
            try:
                await tenure.run(ending)
            except* Exception as error:  # a bug with one mailbox must not stop the others
                log.exception("mailbox_task_failed", mailbox_id=mailbox.id, error=type(error.exceptions[0]).__name__)
                await pause(ending, AFTER_BUG_S)


def _is_older(mailbox: Mailbox | None, running: Mailbox) -> bool:
    return mailbox is not None and mailbox.version < running.version
