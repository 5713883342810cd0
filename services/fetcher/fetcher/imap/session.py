"""A signed-in session with one mailbox: everything the fetcher asks of an IMAP server."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from types import TracebackType
from typing import Self

from fetcher.imap import actions, fetch, folders, search
from fetcher.imap.grammar.answers import FolderStatus, Selected
from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.fetch_answer import Fetched, Meta
from fetcher.imap.grammar.names import Folder
from fetcher.imap.interface import MailSession
from fetcher.imap.sign_in import sign_in
from fetcher.imap.transport.account import Account, ProtocolLog
from fetcher.imap.transport.connect import connect
from fetcher.imap.transport.connection import Connection
from pipeline.contracts.connection_test import Category

LOGOUT_S = 5
# How often the server is asked for new email, in seconds, where it cannot announce it.
NOOP_EVERY_S = 60


class ImapSession(MailSession):
    """Over IMAP. Used as `async with await ImapSession.open(account, log=log) as session`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._selected: Selected | None = None

    @classmethod
    async def open(cls, account: Account, *, log: ProtocolLog) -> Self:
        """Connects, encrypts, signs in. Raises ImapFault."""
        connection = await connect(account, log=log)
        session = cls(connection)
        signed_in = False
        try:
            await sign_in(connection, account)
            signed_in = True
        finally:
            if not signed_in:
                connection.abort()
        return session

    async def __aenter__(self) -> Self:
        """The session itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Says goodbye if the session is sound, and closes the connection."""
        if error is None or isinstance(error, ImapFault):
            await self.logout()
        self._connection.abort()

    @property
    def capabilities(self) -> frozenset[str]:
        return self._connection.capabilities

    @property
    def tls_version(self) -> str | None:
        """Such as "TLSv1.3"; None without encryption."""
        return self._connection.tls_version

    @property
    def alive(self) -> bool:
        return self._connection.protocol.lost is None

    @property
    def selected(self) -> Selected | None:
        return self._selected

    async def folders(self) -> tuple[Folder, ...]:
        return await folders.list_folders(self._connection)

    async def status(self, folder: str) -> FolderStatus:
        return await folders.status_of(self._connection, folder)

    async def examine(self, folder: str) -> Selected:
        return await folders.select(self._connection, folder, read_only=True)

    async def select(self, folder: str) -> Selected:
        self._selected = None
        self._connection.protocol.mails = None  # until the server says
        self._selected = await folders.select(self._connection, folder)
        self._connection.protocol.announced = False
        return self._selected

    async def search(self, criteria: Criteria) -> list[int]:
        if self._connection.protocol.mails == 0:
            self._connection.protocol.announced = False
            return []
        if criteria.up_to_uid is None:  # a search that ends somewhere does not see what was announced
            self._connection.protocol.announced = False
        return await search.search(self._connection, criteria)

    async def fetch_meta(
        self, uids: Iterable[int], *, headers: bool = False, alone: Collection[int] = ()
    ) -> list[Meta]:
        return await fetch.fetch_meta(self._connection, uids, headers=headers, alone=alone)

    def fetch_bodies(
        self, wanted: Iterable[Meta], *, max_bytes: int, alone: Collection[int] = ()
    ) -> AsyncIterator[Fetched]:
        return fetch.fetch_bodies(self._connection, wanted, max_bytes=max_bytes, alone=alone)

    async def is_no_longer(self, uids: Collection[int], *, max_bytes: int) -> frozenset[int]:
        return await fetch.is_no_longer(self._connection, uids, max_bytes=max_bytes)

    async def mark_read(self, uids: Iterable[int]) -> None:
        self._ensure_writable()
        await actions.mark_read(self._connection, uids)

    async def make_folder(self, folder: str) -> None:
        await folders.create(self._connection, folder)

    async def move(self, uids: Iterable[int], folder: str) -> None:
        await actions.move(self._connection, uids, folder, source=self._ensure_writable())

    async def delete(self, uids: Iterable[int]) -> None:
        await actions.delete(self._connection, uids, source=self._ensure_writable())

    async def wait_for_mail(self, timeout_s: float) -> bool:
        if self._connection.protocol.announced:
            return True
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        while (left := ends - loop.time()) > 0:
            if await self._wait_once(left):
                return True
        return False

    async def logout(self) -> None:
        """Says goodbye, for at most five seconds; a connection that is already lost is no error."""
        try:
            async with asyncio.timeout(LOGOUT_S):
                await self._connection.ask("LOGOUT")
        except (TimeoutError, ImapFault):
            self._connection.log("debug", "no_goodbye", {})
        finally:
            self._connection.abort()

    async def _wait_once(self, left_s: float) -> bool:
        if "IDLE" in self.capabilities:
            try:
                return await self._connection.idle(min(left_s, self._connection.account.deadlines.idle_s))
            except ImapFault as fault:
                if not self.alive:
                    raise
                self._connection.capabilities -= {"IDLE"}
                self._connection.log("warning", "idle_refused", {"detail": fault.detail})
                return False
        await asyncio.sleep(min(left_s, NOOP_EVERY_S))
        (await self._connection.ask("NOOP")).required()
        return self._connection.protocol.announced

    def _ensure_writable(self) -> Selected:
        if self._selected is None:
            raise ImapFault(Category.MAILBOX_NOT_FOUND, "no folder is open")
        if self._selected.read_only:
            detail = f'the folder "{self._selected.name}" is read-only: give the account the right to change it'
            raise ImapFault(Category.PERMISSIONS, detail)
        return self._selected
