"""Opens sessions for one mailbox, no faster than its recent failures allow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.interface import MailSession, SignIn
from fetcher.journal import Journal
from fetcher.signals import Signals
from fetcher.throttle import Backoff
from pipeline.contracts.mailbox import Mailbox
from pipeline.runtime.retry import pause
from pipeline.telemetry.metrics import MAILBOX_FAULTS

T = TypeVar("T")

KEEP_S = 30.0


class NotOpened(ImapFault):
    """There is no session, for the reason of `fault`; when the next try is allowed is noted."""

    def __init__(self, fault: ImapFault) -> None:
        super().__init__(fault.category, fault.detail, code=fault.code, wait_s=fault.wait_s)


class Connector:
    """The way to a mailbox. Shared by its fetching and its acting side, so that a wrong password is tried by neither
    more often than the backoff allows, and both together keep to the mailbox's number of connections. What goes wrong
    in a session that was opened is a matter of the side that uses it: reading does not wait for acting, nor acting for
    reading, unless the server asks for less.
    """

    def __init__(self, mailbox: Mailbox, journal: Journal, sign_in: SignIn, signals: Signals) -> None:
        self.mailbox = mailbox
        self.signals = signals
        self._journal = journal
        self._sign_in = sign_in
        self._connections = asyncio.Semaphore(mailbox.settings.max_connections)
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
    async def session(self) -> AsyncIterator[MailSession]:
        """A signed-in session. Raises NotOpened, which is noted already."""
        if self._connections.locked():
            self.signals.connection.set()
        async with self._connections:
            self.signals.connection_taken()
            async with await self._opened() as session:
                yield session

    async def _opened(self) -> MailSession:
        settings, secrets = self.mailbox.settings, self.mailbox.secrets
        try:
            session = await self._sign_in(settings, secrets, log=self._note)
        except ImapFault as fault:
            self.complained(fault, retry_in_s=round(self._backoff.failed(fault), 1))
            raise NotOpened(fault) from fault
        self._backoff.succeeded()
        return session

    def _note(self, level: str, name: str, facts: Mapping[str, object]) -> None:
        self._journal.imap(self.mailbox.id, level, name, facts)


class KeptSession:
    """For one user at a time. Opened when it is needed, closed after some idle seconds and at the end of the block."""

    def __init__(self, connector: Connector, *, keep_s: float = KEEP_S) -> None:
        self._connector = connector
        self._keep_s = keep_s
        self._stack = AsyncExitStack()
        self._session: MailSession | None = None
        self._closing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._keep_open()
        await self._close()

    async def use(self, work: Callable[[MailSession], Awaitable[T]]) -> T:
        """What `work` gives. Raises ImapFault.

        A kept session may turn out to be lost meanwhile; then the work is done once more over a new one.
        """
        await self._keep_open()
        was_kept = self._session is not None
        try:
            return await self._used(work)
        except ImapFault:
            if not was_kept or self._session is not None:
                raise
            return await self._used(work)
        finally:
            if self._session is not None:
                self._closing = asyncio.create_task(self._close_later(), name="close-later")

    async def _used(self, work: Callable[[MailSession], Awaitable[T]]) -> T:
        if self._session is None:
            self._session = await self._stack.enter_async_context(self._connector.session())
        try:
            return await work(self._session)
        finally:
            if not self._session.alive:
                await self._close()

    async def _close_later(self) -> None:
        await pause(self._connector.signals.connection, self._keep_s)
        await self._close()

    async def _close(self) -> None:
        self._session = None
        await self._stack.aclose()

    async def _keep_open(self) -> None:
        if self._closing is None:
            return
        self._closing.cancel()
        await asyncio.gather(self._closing, return_exceptions=True)
        self._closing = None
