"""The life of one mailbox in this fetcher: connect, poll, wait for new mail; after a fault wait longer and again."""

import asyncio

import structlog

from fetcher.connector import Connector
from fetcher.imap import ImapFault, ImapSession
from fetcher.journal import Journal
from fetcher.poll import Poll
from fetcher.run import Run
from pipeline.errors import TryLater
from pipeline.events import FetchTrigger
from pipeline.mailbox import Mailbox
from pipeline.stopping import unless
from pipeline.telemetry.metrics import MAILBOX_BACKLOG, MAILBOX_LAST_SUCCESS
from pipeline.waiting import wait_for

log = structlog.get_logger(__name__)

KEEP_CONNECTED_S = 300.0  # with longer polling intervals and without IDLE, the connection is closed in between
STOPPED = "stopped before the end; the rest is fetched next time"


class Watch:
    """Polls a mailbox at its interval, at once when the server announces mail, and when asked to."""

    def __init__(self, mailbox: Mailbox, *, connector: Connector, poll: Poll, journal: Journal) -> None:
        self._mailbox = mailbox
        self._connector = connector
        self._poll = poll
        self._journal = journal
        self._asked = asyncio.Event()  # since the latest run began
        self._trigger = FetchTrigger.POLL

    def fetch_now(self) -> None:
        """Polls as soon as what is in hand is done; a waiting backoff is cut short."""
        self._connector.retry_now()
        self._trigger = FetchTrigger.MANUAL
        self._asked.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns when told to stop."""
        broker_away = 0
        while not stopping.is_set():
            try:
                rest_s = await self._visit(stopping)
            except TryLater as error:
                broker_away += 1
                await wait_for(error, attempt=broker_away, stopping=stopping)
                continue
            broker_away = 0
            await unless(asyncio.sleep(max(rest_s, self._connector.wait_s)), stopping, self._asked)

    async def _visit(self, stopping: asyncio.Event) -> float:
        """Polls over one session, for as long as it is kept; gives the seconds to rest before the next one."""
        run: Run | None = self._new_run()
        try:
            async with self._connector.session() as session:
                while run is not None:
                    await self._polled(session, run)
                    run = None
                    if stopping.is_set() or not self._stays_connected(session):
                        return self._interval_s
                    run = await self._next_run(session, stopping)
                return 0.0
        except ImapFault as fault:
            self._connector.failed(fault)
            if run is not None:  # a connection that is lost between runs is only made anew
                self._journal.note(run.finished(category=fault.category, detail=fault.detail))
            return 0.0

    async def _polled(self, session: ImapSession, run: Run) -> None:
        try:
            await self._poll.run(session, run)
        except (asyncio.CancelledError, TryLater) as error:
            if run.seen:
                self._journal.note(run.finished(detail=str(error) or STOPPED))
            raise
        self._connector.succeeded()
        MAILBOX_LAST_SUCCESS.labels(self._mailbox.id).set_to_current_time()
        MAILBOX_BACKLOG.labels(self._mailbox.id).set(0)
        self._journal.note(run.finished())
        if run.seen:
            log.info("fetched", mailbox_id=self._mailbox.id, seen=run.seen, filtered=run.filtered, fetched=run.fetched)

    async def _next_run(self, session: ImapSession, stopping: asyncio.Event) -> Run | None:
        """The run that new mail or the interval asks for; None when the wait was cut short, which ends the session."""
        waiting = session.wait_for_mail(self._interval_s) if self._idles else asyncio.sleep(self._interval_s, False)
        finished, came = await unless(waiting, stopping, self._asked)
        if not finished:
            return None
        if came:
            self._trigger = FetchTrigger.IDLE
        return self._new_run()

    def _new_run(self) -> Run:
        run = Run(self._mailbox, self._trigger)
        self._trigger = FetchTrigger.POLL
        self._asked.clear()
        return run

    @property
    def _interval_s(self) -> float:
        return self._mailbox.settings.poll_interval_minutes * 60

    @property
    def _idles(self) -> bool:
        return self._mailbox.settings.use_idle

    def _stays_connected(self, session: ImapSession) -> bool:
        announced = self._idles and "IDLE" in session.capabilities
        return announced or self._interval_s <= KEEP_CONNECTED_S
