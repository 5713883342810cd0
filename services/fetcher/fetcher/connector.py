"""Opens sessions for one mailbox, no faster than its recent failures allow."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fetcher.backoff import LONGEST_DELAY, delay_after
from fetcher.credentials import Credentials
from fetcher.imap import ImapFault, ImapSession
from fetcher.journal import Journal
from pipeline.mailbox import Mailbox
from pipeline.telemetry.metrics import MAILBOX_FAULTS

TURN_S = 5.0


class Connector:
    """The way to a mailbox. Shared by its fetching and its acting side, so that a wrong password is tried by neither
    more often than the backoff allows, and both together keep to the mailbox's number of connections.

    `wanted` is set while somebody waits for a connection that another one holds.
    """

    def __init__(self, mailbox: Mailbox, journal: Journal, credentials: Credentials) -> None:
        self.mailbox = mailbox
        self.wanted = asyncio.Event()
        self._journal = journal
        self._credentials = credentials
        self._connections = asyncio.Semaphore(mailbox.settings.max_connections)
        self._turn_ends = 0.0  # loop time
        self._failures = 0
        self._not_before = 0.0  # loop time

    @property
    def wait_s(self) -> float:
        """Seconds until the next attempt is allowed; 0 when it is allowed now."""
        return max(0.0, self._not_before - asyncio.get_running_loop().time())

    def failed(self, fault: ImapFault) -> None:
        """Notes a fault: the next attempt has to wait longer."""
        self._failures += 1
        delay = delay_after(self._failures, fault.category, jitter=random.random())  # noqa: S311 spread, not secrecy
        delay = max(delay, min(fault.wait_s, LONGEST_DELAY))
        self._not_before = asyncio.get_running_loop().time() + delay
        self._tell(fault, retry_in_s=round(delay, 1))

    def complained(self, fault: ImapFault, *, folder: str) -> None:
        """Notes a fault of one folder, which keeps nothing else from going on."""
        self._tell(fault, folder=folder)

    def succeeded(self) -> None:
        """Forgets earlier failures."""
        self._failures = 0
        self._not_before = 0.0

    def retry_now(self) -> None:
        """Lets the next attempt be made at once; how many failed before still counts."""
        self._not_before = 0.0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ImapSession]:
        """A signed-in session. Raises ImapFault, which the caller gives to `failed`."""
        if self._connections.locked():
            self.wanted.set()
        async with self._connections:
            self.wanted.clear()
            self._turn_ends = asyncio.get_running_loop().time() + TURN_S
            settings, secrets = self.mailbox.settings, self.mailbox.secrets
            async with await self._credentials.session(settings, secrets, log=self._note) as session:
                yield session

    @property
    def turn_over(self) -> bool:
        """Whether whoever holds the connection should let another one have it now."""
        return self.wanted.is_set() and asyncio.get_running_loop().time() >= self._turn_ends

    def _tell(self, fault: ImapFault, **facts: object) -> None:
        MAILBOX_FAULTS.labels(self.mailbox.id, fault.category).inc()
        about = {"category": fault.category, "detail": fault.detail, **facts}
        self._journal.imap(self.mailbox.id, "warning", "failed", about)

    def _note(self, level: str, name: str, facts: Mapping[str, object]) -> None:
        self._journal.imap(self.mailbox.id, level, name, facts)
