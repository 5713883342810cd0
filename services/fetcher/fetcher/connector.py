"""Opens sessions for one mailbox, no faster than its recent failures allow."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fetcher.backoff import delay_after
from fetcher.imap import Account, ImapFault, ImapSession
from fetcher.journal import Journal
from pipeline.mailbox import Mailbox
from pipeline.telemetry.metrics import MAILBOX_FAULTS


class Connector:
    """The way to a mailbox. Shared by its fetching and its acting side, so that a wrong password is tried by neither
    more often than the backoff allows."""

    def __init__(self, mailbox: Mailbox, journal: Journal) -> None:
        self.mailbox = mailbox
        self._journal = journal
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
        self._not_before = asyncio.get_running_loop().time() + delay
        MAILBOX_FAULTS.labels(self.mailbox.id, fault.category).inc()
        facts = {"category": fault.category, "detail": fault.detail, "retry_in_s": round(delay, 1)}
        self._journal.imap(self.mailbox.id, "warning", "failed", facts)

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
        secret = self.mailbox.secrets.password.get_secret_value()
        account = Account.of(self.mailbox.settings, secret=secret)
        async with await ImapSession.open(account, log=self._note) as session:
            yield session

    def _note(self, level: str, name: str, facts: Mapping[str, object]) -> None:
        self._journal.imap(self.mailbox.id, level, name, facts)
