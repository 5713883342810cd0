"""Opens sessions for one mailbox, no faster than its recent failures allow."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fetcher.backoff import Backoff
from fetcher.credentials import Credentials
from fetcher.imap import ImapFault, ImapSession
from fetcher.journal import Journal
from pipeline.mailbox import Mailbox
from pipeline.telemetry.metrics import MAILBOX_FAULTS

TURN_S = 5.0


class NotOpened(ImapFault):
    """There is no session, for the reason of `fault`; when the next try is allowed is noted."""

    def __init__(self, fault: ImapFault) -> None:
        super().__init__(fault.category, fault.detail, code=fault.code, wait_s=fault.wait_s)


class Connector:
    """The way to a mailbox. Shared by its fetching and its acting side, so that a wrong password is tried by neither
    more often than the backoff allows, and both together keep to the mailbox's number of connections. What goes wrong
    in a session that was opened is a matter of the side that uses it: reading does not wait for acting, nor acting for
    reading, unless the server asks for less.

    `wanted` is set while somebody waits for a connection that another one holds.
    """

    def __init__(self, mailbox: Mailbox, journal: Journal, credentials: Credentials) -> None:
        self.mailbox = mailbox
        self.wanted = asyncio.Event()
        self._journal = journal
        self._credentials = credentials
        self._connections = asyncio.Semaphore(mailbox.settings.max_connections)
        self._turn_ends = 0.0  # loop time
        self._backoff = Backoff()

    @property
    def wait_s(self) -> float:
        """Seconds until the next sign-in is allowed; 0 when it is allowed now."""
        return self._backoff.wait_s

    def throttled(self, fault: ImapFault) -> None:
        """The server wants less of this account, whoever asked: both sides wait."""
        self.complained(fault, retry_in_s=round(self._backoff.failed(fault), 1))

    def complained(self, fault: ImapFault, **facts: object) -> None:
        """Notes a fault in the log and the metrics; `facts` say what it is about, or when the next attempt is due."""
        MAILBOX_FAULTS.labels(self.mailbox.id, fault.category).inc()
        about = {"category": fault.category, "detail": fault.detail, **facts}
        self._journal.imap(self.mailbox.id, "warning", "failed", about)

    def retry_now(self) -> None:
        """Lets the next attempt be made at once; how many failed before still counts."""
        self._backoff.retry_now()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ImapSession]:
        """A signed-in session. Raises NotOpened, which is noted already."""
        if self._connections.locked():
            self.wanted.set()
        async with self._connections:
            self.wanted.clear()
            self._turn_ends = asyncio.get_running_loop().time() + TURN_S
            async with await self._opened() as session:
                yield session

    async def _opened(self) -> ImapSession:
        settings, secrets = self.mailbox.settings, self.mailbox.secrets
        try:
            session = await self._credentials.session(settings, secrets, log=self._note)
        except ImapFault as fault:
            self.complained(fault, retry_in_s=round(self._backoff.failed(fault), 1))
            raise NotOpened(fault) from fault
        self._backoff.succeeded()
        return session

    @property
    def turn_over(self) -> bool:
        """Whether whoever holds the connection should let another one have it now."""
        return self.wanted.is_set() and asyncio.get_running_loop().time() >= self._turn_ends

    def _note(self, level: str, name: str, facts: Mapping[str, object]) -> None:
        self._journal.imap(self.mailbox.id, level, name, facts)
