"""A session that is kept for a while after its last use, so that commands that trickle in need no sign-in each."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, TypeVar

from fetcher.connector import Connector
from fetcher.imap import ImapFault, ImapSession
from pipeline.stopping import pause

T = TypeVar("T")

KEEP_S = 30.0


class KeptSession:
    """For one user at a time. Opened when it is needed, closed after some idle seconds and at the end of the block."""

    def __init__(self, connector: Connector, *, keep_s: float = KEEP_S) -> None:
        self._connector = connector
        self._keep_s = keep_s
        self._stack = AsyncExitStack()
        self._session: ImapSession | None = None
        self._clock: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_clock()
        await self._close()

    @property
    def alive(self) -> bool:
        """Whether there is a session that can be used further."""
        return self._session is not None

    async def use(self, work: Callable[[ImapSession], Awaitable[T]]) -> T:
        """What `work` gives. Raises ImapFault.

        A kept session may turn out to be lost meanwhile; then the work is done once more over a new one.
        """
        await self._stop_clock()
        was_kept = self._session is not None
        try:
            return await self._used(work)
        except ImapFault:
            if not was_kept or self._session is not None:
                raise
            return await self._used(work)
        finally:
            if self._session is not None:
                self._clock = asyncio.create_task(self._close_later(), name="close-later")

    async def _used(self, work: Callable[[ImapSession], Awaitable[T]]) -> T:
        if self._session is None:
            self._session = await self._stack.enter_async_context(self._connector.session())
        try:
            return await work(self._session)
        finally:
            if not self._session.alive:
                await self._close()

    async def _close_later(self) -> None:
        await pause(self._connector.wanted, self._keep_s)
        await self._close()

    async def _close(self) -> None:
        self._session = None
        await self._stack.aclose()

    async def _stop_clock(self) -> None:
        if self._clock is None:
            return
        self._clock.cancel()
        await asyncio.gather(self._clock, return_exceptions=True)
        self._clock = None
