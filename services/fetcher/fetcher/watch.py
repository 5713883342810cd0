"""The life of one mailbox in this fetcher: connect, poll, wait for new mail; after a fault wait longer and again."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from fetcher.connector import Connector
from fetcher.imap import ImapFault, ImapSession
from fetcher.journal import Journal
from fetcher.poll import Poll, Run
from pipeline.errors import TryLater
from pipeline.events import FetchTrigger
from pipeline.mailbox import Mailbox
from pipeline.stopping import pause
from pipeline.telemetry.metrics import MAILBOX_LAST_SUCCESS

log = structlog.get_logger(__name__)

T = TypeVar("T")

KEEP_CONNECTED_S = 300.0  # with longer polling intervals and without IDLE, the connection is closed in between
BROKER_AWAY_S = 2.0


class Watch:
    """Polls a mailbox at its interval, at once when the server announces mail, and when asked to."""

    def __init__(self, mailbox: Mailbox, *, connector: Connector, poll: Poll, journal: Journal) -> None:
        self._mailbox = mailbox
        self._connector = connector
        self._poll = poll
        self._journal = journal
        self._asked = asyncio.Event()
        self._trigger = FetchTrigger.POLL

    def fetch_now(self) -> None:
        """Polls as soon as what is in hand is done; a waiting backoff is cut short."""
        self._connector.retry_now()
        self._trigger = FetchTrigger.MANUAL
        self._asked.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns when told to stop."""
        while not stopping.is_set():
            await self._unless_asked(self._connector.allowed(stopping), stopping)
            if stopping.is_set():
                return
            try:
                await self._connected(stopping)
            except TryLater as error:
                log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200])
                await pause(stopping, BROKER_AWAY_S)

    async def _connected(self, stopping: asyncio.Event) -> None:
        run = self._new_run()
        try:
            async with self._connector.session() as session:
                staying = True
                while staying and not stopping.is_set():
                    await self._poll.run(session, run)
                    self._succeeded(run)
                    staying = self._stays_connected(session) and await self._waited(session, stopping)
                    run = self._new_run()
        except ImapFault as fault:
            self._connector.failed(fault)
            self._journal.note(run.finished(category=fault.category, detail=fault.detail))
            return
        if not self._asked.is_set():
            await self._unless_asked(pause(stopping, self._interval_s), stopping)

    async def _waited(self, session: ImapSession, stopping: asyncio.Event) -> bool:
        """Waits for mail or for the interval; False when it was cut short, which ends the connection."""
        if self._idles:
            finished, came = await self._unless_asked(session.wait_for_mail(self._interval_s), stopping)
            self._trigger = FetchTrigger.IDLE if came else self._trigger
        else:
            finished, _ = await self._unless_asked(pause(stopping, self._interval_s), stopping)
        return finished

    async def _unless_asked(self, waiting: Coroutine[Any, Any, T], stopping: asyncio.Event) -> tuple[bool, T | None]:
        """(True, what it gave) when the wait ended by itself; (False, None) when cut short by a stop or a request."""
        wait = asyncio.create_task(waiting)
        interruptions = [asyncio.create_task(event.wait()) for event in (stopping, self._asked)]
        try:
            await asyncio.wait([wait, *interruptions], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in interruptions:
                task.cancel()
            if not wait.done():
                wait.cancel()
                await asyncio.wait([wait])
        return (False, None) if wait.cancelled() else (True, wait.result())

    def _new_run(self) -> Run:
        run = Run(self._mailbox, self._trigger)
        self._trigger = FetchTrigger.POLL
        return run

    def _succeeded(self, run: Run) -> None:
        self._connector.succeeded()
        self._asked.clear()
        MAILBOX_LAST_SUCCESS.labels(self._mailbox.id).set_to_current_time()
        self._journal.note(run.finished())
        if run.seen:
            log.info("fetched", mailbox_id=self._mailbox.id, seen=run.seen, filtered=run.filtered, fetched=run.fetched)

    @property
    def _interval_s(self) -> float:
        return self._mailbox.settings.poll_interval_minutes * 60

    @property
    def _idles(self) -> bool:
        return self._mailbox.settings.use_idle

    def _stays_connected(self, session: ImapSession) -> bool:
        announced = self._idles and "IDLE" in session.capabilities
        return announced or self._interval_s <= KEEP_CONNECTED_S
