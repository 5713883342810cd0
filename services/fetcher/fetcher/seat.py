"""One mailbox's place in this fetcher: at work with the newest settings that were heard of."""

import asyncio

import structlog

from fetcher.tenure import Office, Tenure
from pipeline.adapters.forgetting import forget_mailbox
from pipeline.adapters.mailboxes import Change
from pipeline.errors import TryLater, described, leaves
from pipeline.stopping import pause
from pipeline.waiting import wait_for

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
