"""The tasks behind the requests, as long as the process lives: connecting, migrating, telling the bus of mailboxes."""

import asyncio
import sys

import structlog

from config_api.access import admin, codes
from config_api.access.hashing import fingerprint
from config_api.activity import live
from config_api.backend import Backend
from config_api.dead_letters.quota import DeadQuota
from config_api.mailboxes import declared, store
from config_api.mailboxes.pusher import Pusher
from pipeline.contracts.wire import Wire
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected
from pipeline.jetstream.requests import overhear
from pipeline.postgres.connection import database
from pipeline.runtime.retry import pause, persist_unless_stopped, unless
from pipeline.runtime.service import ensured, ensured_again
from pipeline.telemetry.health import serving_health

log = structlog.get_logger(__name__)

NAME = "config-api"
SETUP = "setup"
STOP_TIMEOUT = 10.0  # seconds
SERVICES_EVERY = 10.0  # seconds


class Links:
    """Started before the first request, stopped after the last one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._stopping = asyncio.Event()
        self._closing = asyncio.Event()  # nobody uses the connections any more
        self._came_back = asyncio.Event()
        self._ended = asyncio.Event()
        self._tasks: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Returns at once; what is not there yet is waited for in the background."""
        self._backend.readiness.set("nats", up=False, detail="not connected yet")
        self._backend.readiness.set("postgres", up=False, detail="not connected yet")
        self._backend.readiness.set(SETUP, up=False, detail="admin token and declared mailboxes are not made yet")
        self._backend.run(self._start())

    def stop(self) -> None:
        """Disconnects and ends the loop."""
        self._backend.run(self._stop(), timeout=STOP_TIMEOUT + 5)
        self._backend.loop.close()

    async def failed(self) -> BaseException | None:
        """Waits for the end; gives what ended the tasks if nobody asked for it."""
        await self._ended.wait()
        return self.failure

    async def _start(self) -> None:
        self._tasks = asyncio.create_task(self._run(), name="links")

    async def _stop(self) -> None:
        self._stopping.set()
        self._backend.changed.set()
        self._backend.feed.close()
        if self._tasks is not None:
            await asyncio.wait([self._tasks], timeout=STOP_TIMEOUT)

    async def _run(self) -> None:
        try:
            async with (
                serving_health(self._health_address, self._backend.readiness),
                asyncio.TaskGroup() as group,
            ):
                group.create_task(self._hold_database(), name="database")
                group.create_task(self._hold_bus(), name="bus")
                group.create_task(self._push(), name="pusher")
                group.create_task(DeadQuota(self._backend).run(self._stopping), name="dead-quota")
                group.create_task(self._read_services(), name="services")
        except Exception as error:  # noqa: BLE001 whatever ended the tasks ends the process, which reports it
            self.failure = error
        finally:
            self._ended.set()

    async def _read_services(self) -> None:
        """The user's own sending services, read again when their file changes."""
        while not self._stopping.is_set():
            await asyncio.to_thread(self._backend.services.refresh)
            await pause(self._stopping, SERVICES_EVERY)

    async def _push(self) -> None:
        try:
            await Pusher(self._backend).run(self._stopping)
        finally:
            self._closing.set()

    async def _hold_database(self) -> None:
        settings = self._backend.settings
        url = settings.database_url.get_secret_value()
        connection = database(
            url,
            size=settings.database_pool,
            name=NAME,
            stopping=self._stopping,
            readiness=self._backend.readiness,
            migrates=settings.migrate,
        )
        async with connection as found:
            if found is None:
                return
            self._backend.take_database(found)
            await self._prepared()
            self._backend.readiness.set(SETUP, up=True)
            await self._closing.wait()

    async def _prepared(self) -> None:
        """The administrator can sign in, secrets are sealed as this version does, the declared mailboxes are there."""
        backend = self._backend

        async def prepare() -> None:
            await self._greeted()
            if upgraded := await store.upgrade_secrets(backend):
                log.info("secrets_upgraded", mailboxes=upgraded)
            await declared.apply(backend)

        await persist_unless_stopped(prepare, self._stopping)

    async def _greeted(self) -> None:
        """Where the first token was made just now, it is shown, and a link to sign in with."""
        backend = self._backend
        token = await admin.first_token(backend.database, backend.settings)
        if token is None:
            return
        mark = fingerprint(admin.stored(token))
        link = await codes.create(backend.database, backend.settings, credential=mark)
        sys.stdout.write(codes.greeting(token, link))
        sys.stdout.flush()

    async def _hold_bus(self) -> None:
        backend = self._backend
        link = connected(
            backend.settings.nats_url.get_secret_value(),
            name=NAME,
            stopping=self._stopping,
            on_change=self._bus_changed,
        )
        async with link as client:
            if client is None:
                return
            bus = Bus(client)
            await ensured(bus, backend.settings, self._stopping)
            await overhear(client, live.SUBJECTS, self._hear)
            backend.take_bus(bus)
            self._bus_changed(up=True)
            self._came_back.clear()
            await unless(ensured_again(bus, backend.settings, self._stopping, self._came_back), self._closing)

    def _hear(self, wire: Wire) -> None:
        happening = live.overheard(wire)
        if happening is not None:
            self._backend.feed.tell(happening)

    def _bus_changed(self, up: bool) -> None:
        is_ready = up and self._backend.has_bus
        self._backend.readiness.set("nats", up=is_ready)
        self._backend.changed.set()
        if up:
            self._came_back.set()

    @property
    def _health_address(self) -> str:
        """Where health is served beside the pages, which serve it too."""
        settings = self._backend.settings
        return "" if settings.health_address == settings.http_address else settings.health_address or ""
