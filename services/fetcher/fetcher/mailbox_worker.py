"""Work for one mailbox: take its lease, fetch and act while it is held, renew it, give it back."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass

import structlog

from fetcher.acting.actions import Actor
from fetcher.acting.jobs import Jobs
from fetcher.departed import Departed
from fetcher.imap.interface import SignIn
from fetcher.journal import Journal
from fetcher.reading.poll import Known, Poll
from fetcher.reading.position import Positions
from fetcher.reading.reconcile import Reconciliation
from fetcher.sessions import Connector, KeptSession
from fetcher.signals import Signals
from fetcher.status import StatusBoard, StatusTracker
from fetcher.throttle import Pace
from fetcher.watch import Watch
from pipeline.contracts.limits import Limits
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.topology import LEASE_BUCKET, actor, fetch_subject
from pipeline.errors import TryLater, decisive, described, leaves
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.cursors import CursorBucket
from pipeline.jetstream.leases import RENEW_EVERY, Lease, LeaseBucket
from pipeline.jetstream.requests import serving
from pipeline.runtime.runner import StageRunner
from pipeline.runtime.stage import Stage
from pipeline.telemetry.metrics import RECONCILED_MAILS

log = structlog.get_logger(__name__)

# All in seconds.
TAKE_EVERY = 5.0  # between tries for a mailbox that another fetcher holds
RENEW_AGAIN = 1.0  # after a renewal that failed
STOP_GRACE = 0.7  # for what is in hand; then it is cut short, and done again by whoever holds the mailbox next
GIVE_BACK = 2.0
LEASE_LASTS = LEASE_BUCKET.max_age - 2.0  # the work has ended when another fetcher can take the mailbox
COMMANDS_AT_ONCE = 500
COLLECT_COMMANDS = 0.5  # for a mail server may look through the whole folder at each, however few emails it is about


@dataclass(frozen=True, slots=True)
class Shared:
    """What the workers of one fetcher have in common. `holder` is a name that no other fetcher has.

    `reconcile_s`: how often a folder is compared with the ledger, in seconds.
    """

    holder: str
    bus: Bus
    journal: Journal
    limits: Limits
    sign_in: SignIn
    board: StatusBoard
    reconcile_s: float


class LeaseLost(Exception):
    """Another fetcher may hold the mailbox now, or soon."""


class MailboxWorker:
    """One mailbox in this fetcher: waits for its lease, then fetches and acts until cancelled or the lease is lost."""

    def __init__(self, mailbox: Mailbox, shared: Shared) -> None:
        self._mailbox = mailbox
        self._shared = shared
        self._leases = LeaseBucket(shared.bus.js)
        self._lease: Lease | None = None

    async def run(self) -> None:
        """Ends by being cancelled; what is in hand has a moment then, and the lease is given back."""
        while True:
            try:
                self._lease = await self._leases.take(self._mailbox.id, holder=self._shared.holder)
                if self._lease is not None:
                    await self._hold(self._lease)
            except* TryLater as group:
                detail = str(leaves(group)[0])[:200]
                log.warning("waiting_for", mailbox_id=self._mailbox.id, detail=detail)
            except* LeaseLost:
                log.warning("lease_lost", mailbox_id=self._mailbox.id)
            await asyncio.sleep(TAKE_EVERY)

    async def _hold(self, lease: Lease) -> None:
        log.info("mailbox_held", mailbox_id=self._mailbox.id, version=self._mailbox.version)
        signals = Signals()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep(lease), name=f"lease-{self._mailbox.id}")
                status = await self._shared.board.take(self._mailbox)
                await _until_cancelled(self._work(signals, status), signals.stop)
        except* Exception as group:
            if not isinstance(cause := decisive(group), TryLater | LeaseLost):
                self._shared.board.fail(self._mailbox, described(cause))
            raise
        finally:
            self._shared.board.give_back(self._mailbox)
            await self._give_back()

    async def _keep(self, lease: Lease) -> None:
        """Renews the lease. Raises LeaseLost when that is too late."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LEASE_LASTS
        rest = RENEW_EVERY
        while loop.time() + rest < until:
            await asyncio.sleep(rest)
            began = loop.time()
            try:
                async with asyncio.timeout_at(until):
                    self._lease = await self._leases.renew(lease)
            except (TryLater, TimeoutError) as error:
                log.warning("lease_not_renewed", mailbox_id=lease.mailbox_id, detail=str(error)[:200])
                rest = RENEW_AGAIN
                continue
            if self._lease is None:
                break
            lease, until, rest = self._lease, began + LEASE_LASTS, RENEW_EVERY
        raise LeaseLost

    async def _give_back(self) -> None:
        lease, self._lease = self._lease, None
        if lease is None:
            return
        try:
            async with asyncio.timeout(GIVE_BACK):
                await self._leases.give_back(lease)
        except (TryLater, TimeoutError) as error:
            log.info("lease_left_to_expire", mailbox_id=lease.mailbox_id, detail=str(error)[:200])

    async def _work(self, signals: Signals, status: StatusTracker) -> None:
        bus, journal, mailbox = self._shared.bus, self._shared.journal, self._mailbox
        RECONCILED_MAILS.labels(mailbox.id)  # from 0: the first increase is one to be alerted of
        connector = Connector(mailbox, journal, self._shared.sign_in, signals)
        cursors, departed = CursorBucket(bus.js), Departed()
        known = Known(
            Positions(cursors, journal), departed, Reconciliation(bus, journal, every_s=self._shared.reconcile_s)
        )
        pace = Pace(mailbox.settings.max_mails_per_minute)
        poll = Poll(bus=bus, limits=self._shared.limits, pace=pace, known=known, signals=signals)
        watch = Watch(connector, poll, journal=journal, status=status)

        async def fetch_now(_: bytes) -> bytes:
            watch.fetch_now()
            return b"{}"

        async with KeptSession(connector) as session, serving(bus.client, fetch_subject(mailbox.id), fetch_now):
            handler = Actor(connector, session, Jobs(mailbox.id, cursors, departed), status)
            stage = Stage(actor(mailbox.id), handler, batch=COMMANDS_AT_ONCE, concurrency=1, linger=COLLECT_COMMANDS)
            async with asyncio.TaskGroup() as group:
                group.create_task(watch.run(), name=f"watch-{mailbox.id}")
                group.create_task(StageRunner(bus, stage, signals.stop).run(), name=f"act-{mailbox.id}")


async def _until_cancelled(work: Coroutine[object, object, None], stop: asyncio.Event) -> None:
    """Does the work. When cancelled, it is told to stop, and cut short after a moment. Raises what the work raises."""
    working = asyncio.create_task(work)
    try:
        await asyncio.wait([working])
        working.result()
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([working], timeout=STOP_GRACE)
        raise
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            (error,) = await asyncio.gather(working, return_exceptions=True)
            if stop.is_set() and isinstance(error, Exception):
                log.warning("ended_with_error", error=described(error))
