"""Holding one mailbox: take its lease, work while it is held, renew it, give it back."""

import asyncio
from dataclasses import dataclass

import structlog

from fetcher.actions import Actor
from fetcher.credentials import Credentials
from fetcher.departed import Departed
from fetcher.journal import Journal
from fetcher.poll import Known, Poll
from fetcher.position import Positions
from fetcher.reconcile import Reconciliation
from fetcher.sessions import Connector, KeptSession
from fetcher.status import Standing, StatusBoard
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
from pipeline.runtime.retry import pause, unless
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
COLLECT_COMMANDS = 0.5  # for a mail server may look through the whole folder at each, however few mails it is about


@dataclass(frozen=True, slots=True)
class Office:
    """What the mailboxes of one fetcher have in common. `holder` is a name that no other fetcher has.

    `reconcile_s`: how often a folder is compared with the ledger, in seconds.
    """

    holder: str
    bus: Bus
    journal: Journal
    limits: Limits
    credentials: Credentials
    board: StatusBoard
    reconcile_s: float


class Tenure:
    """One mailbox in this fetcher: waits for its lease, then fetches and acts until stopped or the lease is lost."""

    def __init__(self, mailbox: Mailbox, office: Office) -> None:
        self._mailbox = mailbox
        self._office = office
        self._leases = LeaseBucket(office.bus.js)
        self._lease: Lease | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns when told to stop."""
        while not stopping.is_set():
            try:
                self._lease = await self._leases.take(self._mailbox.id, holder=self._office.holder)
                if self._lease is not None:
                    await self._hold(self._lease, stopping)
            except* TryLater as group:
                detail = str(leaves(group)[0])[:200]
                log.warning("waiting_for", mailbox_id=self._mailbox.id, detail=detail)
            await pause(stopping, TAKE_EVERY)

    async def _hold(self, lease: Lease, stopping: asyncio.Event) -> None:
        log.info("mailbox_held", mailbox_id=self._mailbox.id, version=self._mailbox.version)
        ending = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keep(lease, ending))
                following = group.create_task(_follow(stopping, ending))
                standing = await self._office.board.take(self._mailbox)
                await unless(self._work(ending, standing), ending, grace=STOP_GRACE)
                keeping.cancel()
                following.cancel()
        except* Exception as group:
            if not isinstance(cause := decisive(group), TryLater):
                self._office.board.fail(self._mailbox, described(cause))
            raise
        finally:
            self._office.board.give_back(self._mailbox)
            await self._give_back()

    async def _keep(self, lease: Lease, ending: asyncio.Event) -> None:
        """Renews the lease; sets `ending` when it is lost."""
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
        log.warning("lease_lost", mailbox_id=lease.mailbox_id)
        ending.set()

    async def _give_back(self) -> None:
        lease, self._lease = self._lease, None
        if lease is None:
            return
        try:
            async with asyncio.timeout(GIVE_BACK):
                await self._leases.give_back(lease)
        except (TryLater, TimeoutError) as error:
            log.info("lease_left_to_expire", mailbox_id=lease.mailbox_id, detail=str(error)[:200])

    async def _work(self, ending: asyncio.Event, standing: Standing) -> None:
        bus, journal = self._office.bus, self._office.journal
        RECONCILED_MAILS.labels(self._mailbox.id)  # from 0: the first increase is one to be alerted of
        connector = Connector(self._mailbox, journal, self._office.credentials)
        cursors, departed = CursorBucket(bus.js), Departed()
        poll = Poll(
            bus=bus,
            limits=self._office.limits,
            pace=Pace(self._mailbox.settings.max_mails_per_minute),
            known=Known(
                Positions(cursors, journal),
                departed,
                Reconciliation(bus, journal, every_s=self._office.reconcile_s),
            ),
            stopping=ending,
            turn_over=lambda: connector.turn_over,
        )
        watch = Watch(self._mailbox, connector=connector, poll=poll, journal=journal, standing=standing)

        async def fetch_now(_: bytes) -> bytes:
            watch.fetch_now()
            return b"{}"

        async with KeptSession(connector) as session, serving(bus.client, fetch_subject(self._mailbox.id), fetch_now):
            consumer = actor(self._mailbox.id)
            handler = Actor(connector, session, cursors=cursors, departed=departed, standing=standing)
            stage = Stage(consumer, handler, batch=COMMANDS_AT_ONCE, concurrency=1, linger=COLLECT_COMMANDS)
            async with asyncio.TaskGroup() as group:
                group.create_task(watch.run(ending), name=f"watch-{self._mailbox.id}")
                group.create_task(StageRunner(bus, stage, ending).run(), name=f"act-{self._mailbox.id}")


async def _follow(stopping: asyncio.Event, ending: asyncio.Event) -> None:
    await stopping.wait()
    ending.set()
