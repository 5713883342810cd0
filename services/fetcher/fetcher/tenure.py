"""Holding one mailbox: take its lease, work while it is held, renew it, give it back."""

import asyncio

import structlog

from fetcher.act import Actor
from fetcher.connector import Connector
from fetcher.journal import Journal
from fetcher.poll import Poll
from fetcher.watch import Watch
from pipeline.adapters.bus import Bus
from pipeline.adapters.cursors import CursorBucket
from pipeline.adapters.leases import RENEW_EVERY, Lease, LeaseBucket
from pipeline.adapters.requests import serve
from pipeline.errors import TryLater
from pipeline.limits import Limits
from pipeline.mailbox import Mailbox
from pipeline.runner import StageRunner
from pipeline.stage import Stage
from pipeline.stopping import pause
from pipeline.topology import LEASE_BUCKET, actor, fetch_subject

log = structlog.get_logger(__name__)

TAKE_EVERY = 5.0  # seconds between tries for a mailbox that another fetcher holds
COMMANDS_AT_ONCE = 200


class Tenure:
    """One mailbox in this fetcher: waits for its lease, then fetches and acts until stopped or the lease is lost."""

    def __init__(self, mailbox: Mailbox, *, holder: str, bus: Bus, journal: Journal, limits: Limits) -> None:
        self._mailbox = mailbox
        self._holder = holder
        self._bus = bus
        self._journal = journal
        self._limits = limits
        self._leases = LeaseBucket(bus.js)

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns when told to stop."""
        while not stopping.is_set():
            lease = await self._taken()
            if lease is None:
                await pause(stopping, TAKE_EVERY)
                continue
            await self._hold(lease, stopping)

    async def _taken(self) -> Lease | None:
        try:
            return await self._leases.take(self._mailbox.id, holder=self._holder)
        except TryLater as error:
            log.warning("waiting_for", dependency=error.dependency, detail=error.detail[:200])
            return None

    async def _hold(self, lease: Lease, stopping: asyncio.Event) -> None:
        log.info("mailbox_held", mailbox_id=self._mailbox.id, version=self._mailbox.version)
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep(lease, ending))
            working = group.create_task(self._work(ending))
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait({keeping, working, stop}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            ending.set()
            await working
            kept = await keeping
        if kept is not None:
            await self._gave_back(kept)

    async def _keep(self, lease: Lease, ending: asyncio.Event) -> Lease | None:
        """Renews the lease until the work ends; None as soon as it is lost or could not be renewed in time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LEASE_BUCKET.max_age
        while not ending.is_set():
            await pause(ending, RENEW_EVERY)
            try:
                renewed = await self._leases.renew(lease)
            except TryLater as error:
                if loop.time() + RENEW_EVERY < until:
                    continue
                log.warning("lease_not_renewed", mailbox_id=lease.mailbox_id, detail=error.detail[:200])
                return None
            if renewed is None:
                log.warning("lease_lost", mailbox_id=lease.mailbox_id)
                return None
            lease, until = renewed, loop.time() + LEASE_BUCKET.max_age
        return lease

    async def _gave_back(self, lease: Lease) -> None:
        try:
            await self._leases.give_back(lease)
        except TryLater as error:
            log.info("lease_left_to_expire", mailbox_id=lease.mailbox_id, detail=error.detail[:200])

    async def _work(self, ending: asyncio.Event) -> None:
        connector = Connector(self._mailbox, self._journal)
        poll = Poll(bus=self._bus, cursors=CursorBucket(self._bus.js), limits=self._limits, stopping=ending)
        watch = Watch(self._mailbox, connector=connector, poll=poll, journal=self._journal)

        async def fetch_now(_: bytes) -> bytes:
            watch.fetch_now()
            return b"{}"

        stage = Stage(actor(self._mailbox.id), Actor(connector).handler(), batch=COMMANDS_AT_ONCE, concurrency=1)
        requests = await serve(self._bus.client, fetch_subject(self._mailbox.id), fetch_now)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(watch.run(ending), name=f"watch-{self._mailbox.id}")
                group.create_task(StageRunner(self._bus, stage, ending).run(), name=f"act-{self._mailbox.id}")
        finally:
            await requests.unsubscribe()
