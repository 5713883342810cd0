"""Everything on one machine: the servers that are not given from outside, and the services, kept alive.

with DataDir(path) as data, Stack(data, settings) as stack:
    asyncio.run(stack.watch(stopping))
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from dmarq.embedded import DataDir, EmbeddedNats, EmbeddedPostgres
from dmarq.embedded.child import Child, ChildSpec, EmbeddedServer, cut_if_large, last_words
from dmarq.embedded.errors import ChildFailed
from dmarq.embedded.forking import ForkServer
from dmarq.embedded.programs import LOOPBACK, ensure_free, free_port
from dmarq.loopback import is_ready, sign_in_link
from dmarq.services import MODULES, SECRETS_OF, UPGRADE, without_others_secrets
from pipeline.errors import EXIT_BAD_SETTINGS
from pipeline.runtime.retry import pause
from pipeline.settings import Settings, given, process_environment

log = structlog.get_logger(__name__)

FORKS = sys.platform == "linux"  # elsewhere what libraries of the system hold may not survive a fork
READY_S = 60.0
LOOK_AT_LOGS_S = 60.0
RESTART_DELAYS = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before a service that ended by itself is started again
STEADY_S = 30.0  # a service that ran so long starts with the first delay again


@dataclass(frozen=True, slots=True)
class Service:
    """A service as a child process. `health` is its "host:port"."""

    name: str
    spec: ChildSpec
    health: str = ""


class Stack:
    """The servers and services. Used as a context manager; it may only be entered in the main thread."""

    def __init__(
        self,
        data: DataDir,
        settings: Settings,
        *,
        environment: Mapping[str, str] | None = None,
        durable: bool = True,
        forks: bool = FORKS,
    ) -> None:
        """NATS and PostgreSQL of our own are started where this process is given no URL of others.

        `environment` is for the services, beside our own. `durable` False forgets data in a power cut. Where it
        `forks`, services are forked from one process and share what they have imported; else each is a program.
        """
        self._data = data
        self._settings = settings
        self._environment = dict(environment or {})
        self._durable = durable
        self._forks = forks
        self._fork_server: ForkServer | None = None
        self._exits = ExitStack()
        self._children: dict[str, Child] = {}
        self.services: tuple[Service, ...] = ()
        self.http_address = settings.http_address
        self.nats_url = ""
        self._nats: EmbeddedNats | None = None
        self.database_url = ""
        self.admin_token = settings.admin_token.get_secret_value() or data.secret("admin")

    def __enter__(self) -> Self:
        ensure_free(self.http_address)
        with ExitStack() as undo:
            self._start_fork_server(undo)
            self._start_servers(undo)
            self._bring_up_to_date(undo)
            self._start_services(undo)
            self._exits = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._exits.close()

    def sign_in_link(self) -> str:
        """Where a browser is signed in, once, within a quarter of an hour; each call makes another.

        Raises EmbeddedError, OSError.
        """
        return sign_in_link(self.http_address, self.admin_token)

    async def watch(self, stopping: asyncio.Event) -> None:
        """Starts a service again when it ends by itself; returns when told to stop. Raises ChildFailed for a server."""
        async with asyncio.TaskGroup() as group:
            for service in self.services:
                group.create_task(self._keep(service, stopping), name=service.name)
            group.create_task(self._cut_logs(stopping), name="logs")

    async def _keep(self, service: Service, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        restarts = 0
        while not stopping.is_set():
            started = loop.time()
            status = await _ended(self._children[service.name], stopping)
            if status is None:
                return
            restarts = 0 if loop.time() - started > STEADY_S else restarts + 1
            delay = RESTART_DELAYS[min(restarts, len(RESTART_DELAYS) - 1)]
            words = last_words(service.spec.log)
            if status == EXIT_BAD_SETTINGS:
                raise ChildFailed(service.name, what="cannot use its settings", log=service.spec.log, last_words=words)
            log.warning("service_ended", service=service.name, status=status, restart_in_s=delay, last_words=words)
            await pause(stopping, delay)
            if not stopping.is_set():
                self._children[service.name] = self._child(service)

    async def _cut_logs(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            for name in (*MODULES, "nats", "postgres", "services"):
                await asyncio.to_thread(cut_if_large, self._data.log(name))
            await pause(stopping, LOOK_AT_LOGS_S)

    def _start_fork_server(self, undo: ExitStack) -> None:
        """Before everything else, for it imports while the servers start."""
        if self._forks:
            modules = [module for name, module in MODULES.items() if self._runs(name)]
            public = without_others_secrets(process_environment(), service="")
            self._fork_server = undo.enter_context(ForkServer(self._data, [UPGRADE, *modules], public))

    def _start_servers(self, undo: ExitStack) -> None:
        """Starts both, then waits for both."""
        servers: list[EmbeddedServer] = []
        if "DMARQ_NATS_URL" in given():
            self.nats_url = self._settings.nats_url.get_secret_value()
        else:
            program = Path(self._settings.nats_server) if self._settings.nats_server else None
            self._nats = EmbeddedNats(self._data, program=program)
            self.nats_url = self._nats.url
            servers.append(self._nats)
        if "DMARQ_DATABASE_URL" in given():
            self.database_url = self._settings.database_url.get_secret_value()
        else:
            bin_dir = Path(self._settings.postgres_bin_dir) if self._settings.postgres_bin_dir else None
            postgres = EmbeddedPostgres(self._data, bin_dir=bin_dir, durable=self._durable)
            self.database_url = postgres.url
            servers.append(postgres)
        for server in servers:
            server.launch()
            undo.callback(server.stop)
        for server in servers:
            server.wait_ready()

    def _bring_up_to_date(self, undo: ExitStack) -> None:
        """With a NATS of our own, as in containers: streams are made by a user who does nothing else."""
        if self._nats is None:
            return
        environment = {**self._environment_of("upgrade"), "DMARQ_NATS_URL": self._nats.url_of("migrate")}
        arguments = () if self._settings.migrate else ("--only-streams",)
        spec = self._spec("upgrade", (UPGRADE, *arguments), environment)
        child = self._child(Service("upgrade", spec))
        undo.callback(child.stop)
        if child.exit.result() != 0:
            words = last_words(spec.log)
            raise ChildFailed("upgrade", what="could not bring the data up to date", log=spec.log, last_words=words)

    def _start_services(self, undo: ExitStack) -> None:
        self.services = tuple(self._service(name) for name in MODULES if self._runs(name))
        for service in self.services:
            self._children[service.name] = self._child(service)
            undo.callback(self._stop, service.name)
        for service in self.services:
            self._children[service.name].wait_ready(partial(is_ready, service.health), timeout_s=READY_S)

    def _stop(self, name: str) -> None:
        self._children[name].stop()

    def _runs(self, name: str) -> bool:
        return name != "notifier" or self._settings.notify

    def _child(self, service: Service) -> Child:
        """Forked or a program of its own: the one place that knows."""
        spec = service.spec
        if self._fork_server is None:
            return Child(spec)
        return Child(spec, self._fork_server.start_of(*spec.command[2:]))

    def _service(self, name: str) -> Service:
        health = self.http_address if name == "config-api" else f"{LOOPBACK}:{free_port()}"
        environment = {
            **self._environment_of(name),
            **self._bus_of(name),
            "DMARQ_HTTP_ADDRESS": self.http_address,
            "DMARQ_HEALTH_ADDRESS": health,
        }
        return Service(name, self._spec(name, (MODULES[name],), environment), health)

    def _environment_of(self, name: str) -> dict[str, str]:
        secrets = {
            "DMARQ_DATABASE_URL": self.database_url,
            "DMARQ_SECRET_KEY": self._settings.secret_key.get_secret_value() or self._data.key_list("secret-key"),
            "DMARQ_ADMIN_TOKEN": self.admin_token,
        }
        return {
            **without_others_secrets({**process_environment(), **self._environment}, service=name),
            **{variable: secrets[variable] for variable in SECRETS_OF[name] if variable in secrets},
        }

    def _spec(self, name: str, module: tuple[str, ...], environment: Mapping[str, str]) -> ChildSpec:
        return ChildSpec(
            name=name,
            command=(sys.executable, "-m", *module),
            log=self._data.log(name),
            environment=environment,
            keep_open=(self._data.lock_fd,),
            grace_s=20.0,
        )

    def _bus_of(self, service: str) -> dict[str, str]:
        if self._nats is None:
            return {"DMARQ_NATS_URL": self.nats_url}
        return {"DMARQ_NATS_URL": self._nats.url_of(service), "DMARQ_MIGRATE": "false"}


async def _ended(child: Child, stopping: asyncio.Event) -> int | None:
    """The child's exit status, or None when told to stop before it ended."""
    ending = asyncio.ensure_future(_exit(child))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([ending, stop], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if ending.done():
        return ending.result()
    ending.cancel()
    return None


async def _exit(child: Child) -> int:
    return await asyncio.wrap_future(child.exit)
