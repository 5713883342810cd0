"""Looking at how things are, again and again: soon after something happened, and every minute in any case."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog

from notifier import alerts, look
from notifier.alerts import Options
from notifier.digest.write import write_digests
from notifier.rules import domains, mailboxes, pipeline, policies, sources
from notifier.store import SQL
from pipeline.errors import TryLater, described
from pipeline.jetstream.bus import Bus
from pipeline.notifications.rules import Rule
from pipeline.postgres.connection import Database, StatementFault
from pipeline.runtime.retry import pause

log = structlog.get_logger(__name__)

PRESENT = tuple({**mailboxes.CHECKS, **pipeline.CHECKS})
REPORTED = tuple({**sources.CHECKS, **domains.CHECKS, **policies.CHECKS})
AT_LEAST_EVERY = 60.0  # seconds
SETTLE = 2.0  # seconds after something happened: it is rarely alone, and the recorder must write it down first
SHARE = 0.05  # of the time may go into looking at reports
REPORTS_AT_LEAST_EVERY = 600.0  # seconds
KEEP = timedelta(days=90)
KEEP_ATTEMPTS = timedelta(hours=2)


class Watch:
    """Judges until told to stop. `woken` is set by whoever saw something happen; `noted` is called after each look."""

    def __init__(self, database: Database, bus: Bus, options: Options, *, noted: asyncio.Event) -> None:
        self._database = database
        self._bus = bus
        self._options = options
        self._noted = noted
        self.woken = asyncio.Event()
        self.reports_came = True
        self._reports_due = 0.0  # monotonic: not before
        self._reports_looked = -REPORTS_AT_LEAST_EVERY

    def wake(self) -> None:
        """Something happened."""
        self.woken.set()

    def wake_for_reports(self) -> None:
        """Reports were stored."""
        self.reports_came = True
        self.woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns when told to stop."""
        while not stopping.is_set():
            self.woken.clear()
            try:
                await self.look()
            except TryLater as error:
                log.info("look_postponed", dependency=error.dependency, detail=error.detail[:200])
            except StatementFault as error:
                log.error("look_failed", error=described(error))
            await self._idle(stopping)

    async def look(self) -> None:
        """One look at everything that it is time for. Raises TryLater."""
        now = datetime.now(UTC)
        present = await look.present(self._database, self._bus, now)
        rules = [rule for rule in PRESENT if rule is not Rule.STORE_FULL or present.stores is not None]
        noted = await alerts.note(self._database, present, rules, self._options)
        if self._is_time_for_reports():
            await self._look_at_reports(now)
        written = await write_digests(self._database, now, self._options)
        await self._tidy(now)
        if noted.opened or noted.resolved or written:
            log.info("noted", opened=noted.opened, resolved=noted.resolved, digests=written)
        self._noted.set()

    async def _look_at_reports(self, now: datetime) -> None:
        self.reports_came = False
        started = monotonic()
        noted = await alerts.note(self._database, await look.reported(self._database, now), REPORTED, self._options)
        self._reports_looked = monotonic()
        self._reports_due = self._reports_looked + (self._reports_looked - started) / SHARE
        if noted.opened or noted.resolved:
            log.info("noted_in_reports", opened=noted.opened, resolved=noted.resolved)

    def _is_time_for_reports(self) -> bool:
        is_long_ago = monotonic() - self._reports_looked >= REPORTS_AT_LEAST_EVERY
        return monotonic() >= self._reports_due and (self.reports_came or is_long_ago)

    async def _tidy(self, now: datetime) -> None:
        async with self._database.connection() as connection:
            await connection.execute(SQL["forget_deliveries"], now - KEEP)
            await connection.execute(SQL["forget_attempts"], now - KEEP_ATTEMPTS)
            await connection.execute(SQL["forget_alerts"], now - KEEP)
            await connection.execute(SQL["drop_for_disabled"], now - timedelta(days=1))

    async def _idle(self, stopping: asyncio.Event) -> None:
        waking = asyncio.create_task(self.woken.wait())
        stop = asyncio.create_task(stopping.wait())
        wait = min(AT_LEAST_EVERY, max(1.0, self._reports_due - monotonic()) if self.reports_came else AT_LEAST_EVERY)
        await asyncio.wait([waking, stop], timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        for task in (waking, stop):
            task.cancel()
        await asyncio.gather(waking, stop, return_exceptions=True)
        if self.woken.is_set():
            await pause(stopping, SETTLE)
