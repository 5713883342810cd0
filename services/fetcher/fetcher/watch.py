"""The life of one mailbox in this fetcher: connect, poll, wait for new email; after a fault wait longer and again."""

import asyncio
from contextlib import suppress

import structlog

from fetcher.acting.targets import Targets
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.interface import MailSession
from fetcher.journal import Journal
from fetcher.reading.fetch_run import Run
from fetcher.reading.poll import Poll
from fetcher.sessions import Connector, NotOpened
from fetcher.status import StatusTracker
from fetcher.throttle import Backoff
from pipeline.contracts.connection_test import Category
from pipeline.contracts.events import FetchTrigger
from pipeline.errors import TryLater
from pipeline.runtime.retry import persist, unless

log = structlog.get_logger(__name__)

KEEP_CONNECTED_S = 300.0  # with longer polling intervals and without IDLE, the connection is closed in between
STEADY_S = 60.0  # a session that lived so long was sound; one that ends sooner counts as a failure in a row
ROUND_EVERY_S = 1.0  # however busily a server announces mail
IDLE_DIES_S = 10.0  # after its first IDLE began: a session that ends so soon ended because of it
IDLE_DEATHS = 2  # in a row; then IDLE is left out for a while
WITHOUT_IDLE_S = 3600.0
ROOM_AGAIN_S = 60.0  # between looks while emails wait for room in the object store
STOPPED = "stopped before the end; the rest is fetched next time"
OF_A_FOLDER = frozenset((Category.MAILBOX_NOT_FOUND, Category.PERMISSIONS))  # the other folders may be well


class Watch:
    """Polls a mailbox at its interval, at once when the server announces mail, and when asked to."""

    def __init__(self, connector: Connector, poll: Poll, *, journal: Journal, status: StatusTracker) -> None:
        first, *others = connector.mailbox.settings.all_folders
        self._mailbox = connector.mailbox
        self._signals = connector.signals
        self._folders = (*others, first)  # the first one comes last: IDLE tells of the folder that is open
        self._connector = connector
        self._poll = poll
        self._journal = journal
        self._status = status
        self._trigger = FetchTrigger.POLL
        self._run: Run | None = None  # the one in hand
        self._complaints: dict[str, ImapFault] = {}  # by folder that could not be read
        self._targets = Targets(connector.mailbox.settings)
        self._due = 0.0  # loop time of the next round through all folders
        self._backoff = Backoff()
        self._began = 0.0  # loop time of the round in hand, or of the one before
        self._idle_deaths = 0
        self._idled_in: MailSession | None = None  # the session that lived through an IDLE
        self._idle_again = 0.0  # loop time from which IDLE may be used

    def fetch_now(self) -> None:
        """Polls as soon as what is in hand is done; a waiting backoff is cut short."""
        self._connector.retry_now()
        self._backoff.retry_now()
        self._trigger = FetchTrigger.MANUAL
        self._signals.fetch.set()

    async def run(self) -> None:
        """Returns when told to stop."""
        stop, fetch = self._signals.stop, self._signals.fetch
        while not stop.is_set():
            with suppress(TryLater):  # told to stop while the broker is away
                rest_s = await persist(self._visit, stopping=stop)
                wait_s = max(rest_s, self._connector.wait_s, self._backoff.wait_s)
                await unless(asyncio.sleep(wait_s), stop, fetch)

    async def _visit(self) -> float:
        """Polls over one session, for as long as it is kept; gives the seconds to rest before the next one."""
        if self._signals.stop.is_set():
            return 0.0
        self._signals.fetch.clear()
        self._status.connecting()
        self._run = self._new_run(self._folders[-1])  # a connection that cannot be made is a run that failed
        opened = asyncio.get_running_loop().time()
        try:
            async with self._connector.session() as session:
                opened = asyncio.get_running_loop().time()
                folders = self._folders
                while folders:
                    await self._round(session, folders)
                    if self._signals.let_go:
                        return 0.0
                    if not self._stays_connected(session) and not self._is_due:
                        self._status.resting(self._interval_s, idle=False)
                        return self._interval_s
                    folders = await self._next_folders(session)
                return 0.0
        except ImapFault as fault:
            self._failed(fault, lived_s=asyncio.get_running_loop().time() - opened)
            if self._run is not None:  # a connection that is lost between runs is only made again
                self._journal.note(self._run.finished(category=fault.category, detail=fault.detail))
            wait_s = max(self._connector.wait_s, self._backoff.wait_s)
            self._status.backing_off(fault, wait_s)
            return wait_s

    def _failed(self, fault: ImapFault, *, lived_s: float) -> None:
        """The next session has to wait: that signing in succeeds says nothing of a session that ends at once."""
        if lived_s >= STEADY_S:
            self._backoff.succeeded()
        if isinstance(fault, NotOpened):
            return
        if fault.category is Category.THROTTLED:
            self._connector.throttled(fault)
        else:
            self._connector.complained(fault, retry_in_s=round(self._backoff.failed(fault), 1))

    async def _round(self, session: MailSession, folders: tuple[str, ...]) -> None:
        """Looks into the folders in turn. One that cannot be opened holds up no other, but the first one is needed:
        IDLE tells of it.
        """
        trigger, self._trigger = self._trigger, FetchTrigger.POLL
        self._signals.fetch.clear()
        self._began = asyncio.get_running_loop().time()
        self._status.polling()
        await self._make_targets(session)
        whole, more = True, False
        for folder in folders:
            self._run = self._new_run(folder, trigger)
            try:
                whole = await self._polled(session, self._run) and whole
                more = more or self._run.more
            except ImapFault as fault:
                if fault.category not in OF_A_FOLDER or folder == self._folders[-1]:
                    raise
                self._journal.note(self._run.finished(category=fault.category, detail=fault.detail))
                self._connector.complained(fault, folder=folder)
                self._complaints[folder] = fault
            else:
                self._complaints.pop(folder, None)
                if self._run.complaint is not None:
                    self._complaints[folder] = self._run.complaint
            self._run = None
        self._due = asyncio.get_running_loop().time() + (self._interval_s if whole and not more else 0)
        if whole:
            self._status.polled(next(iter(self._complaints.values()), None))

    async def _make_targets(self, session: MailSession) -> None:
        """Folders that email is moved to are there before it comes. A refusal is told, and holds up nothing."""
        for target, refusal in (await self._targets.make(session)).items():
            if refusal is None:
                self._complaints.pop(target, None)
            else:
                self._connector.complained(refusal, folder=target)
                self._complaints[target] = refusal

    async def _polled(self, session: MailSession, run: Run) -> bool:
        try:
            whole = await self._poll.run(session, run)
        except (asyncio.CancelledError, TryLater) as error:
            if run.seen:
                self._journal.note(run.finished(detail=str(error) or STOPPED))
            raise
        if run.seen or not run.more:  # waiting to read more of the folder again is no run
            self._journal.note(run.finished())
        if run.seen:
            figures = {"seen": run.seen, "filtered": run.filtered, "fetched": run.fetched}
            log.info("fetched", mailbox_id=self._mailbox.id, run_id=run.id, **figures)
        return whole

    async def _next_folders(self, session: MailSession) -> tuple[str, ...]:
        """The folders that new email or the interval asks for; none when the wait was cut short: the session ends."""
        signals = self._signals
        left_s = max(self._due - asyncio.get_running_loop().time(), 0.0)
        self._status.resting(left_s, idle=self._idles and "IDLE" in session.capabilities)
        waiting = self._waited(session, left_s) if self._idles else asyncio.sleep(left_s, False)
        finished, came = await unless(waiting, signals.stop, signals.fetch, signals.connection)
        if not finished:
            return ()
        if not came:
            return self._folders
        left_s = self._began + ROUND_EVERY_S - asyncio.get_running_loop().time()
        await unless(asyncio.sleep(max(left_s, 0.0)), signals.stop, signals.fetch)
        self._trigger = FetchTrigger.IDLE
        return self._folders[-1:]

    async def _waited(self, session: MailSession, seconds: float) -> bool:
        """Whether mail was announced. A server that ends the session in its first IDLE, again and again, gets none."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            came = await session.wait_for_mail(seconds)
        except ImapFault:
            is_first = self._idled_in is not session
            self._idle_deaths = self._idle_deaths + 1 if is_first and loop.time() - began < IDLE_DIES_S else 0
            if self._idle_deaths >= IDLE_DEATHS:
                self._idle_deaths, self._idle_again = 0, loop.time() + WITHOUT_IDLE_S
            raise
        self._idled_in = session
        return came

    def _new_run(self, folder: str, trigger: FetchTrigger | None = None) -> Run:
        return Run(self._mailbox, trigger or self._trigger, folder, self._status.progressed)

    @property
    def _is_due(self) -> bool:
        return self._due <= asyncio.get_running_loop().time()

    @property
    def _interval_s(self) -> float:
        interval_s = self._mailbox.settings.poll_interval_minutes * 60.0
        waits = any(fault.category is Category.STORE_FULL for fault in self._complaints.values())
        return min(interval_s, ROOM_AGAIN_S) if waits else interval_s

    @property
    def _idles(self) -> bool:
        return self._mailbox.settings.use_idle and asyncio.get_running_loop().time() >= self._idle_again

    def _stays_connected(self, session: MailSession) -> bool:
        announced = self._idles and "IDLE" in session.capabilities
        return announced or self._interval_s <= KEEP_CONNECTED_S
