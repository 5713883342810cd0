"""The services as real processes, against real servers."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from dmarq.embedded.child import Child, ChildSpec
from dmarq.embedded.programs import LOOPBACK, free_port
from pipeline.settings import process_environment
from tests.support.keys import ONE_KEY

MODULES = {
    "fetcher": "fetcher",
    "extractor": "extractor",
    "parser": "parser",
    "config-api": "config_api",
    "notifier": "notifier",
    "fragile-extractor": "tests.chaos.fragile_extractor",
}
SECRET_KEY = ONE_KEY
ADMIN_TOKEN = "admin-token-of-the-tests-4f0c92d7b15e8a63"
READY_S = 30


class Services:
    """Starts services by name, each with its own log and health address; ends them all with the block."""

    def __init__(self, *, nats_url: str, database_url: str, logs: Path) -> None:
        self.http_address = f"{LOOPBACK}:{free_port()}"
        self.logs = logs
        self.running: dict[str, Child] = {}
        self.health: dict[str, str] = {}
        self._environment = {
            **process_environment(),
            "DMARQ_NATS_URL": nats_url,
            "DMARQ_DATABASE_URL": database_url,
            "DMARQ_SECRET_KEY": SECRET_KEY,
            "DMARQ_ADMIN_TOKEN": ADMIN_TOKEN,
            "DMARQ_HTTP_ADDRESS": self.http_address,
            "DMARQ_DNS_HOURS": "0",
        }

    def start(
        self, service: str, *, name: str = "", environment: Mapping[str, str] | None = None, ready: bool = True
    ) -> Child:
        """A running service, waited for until it is ready; `name` tells two of a kind apart."""
        name = name or service
        health = self.http_address if service == "config-api" else f"{LOOPBACK}:{free_port()}"
        spec = ChildSpec(
            name=name,
            command=(sys.executable, "-m", MODULES[service]),
            log=self.logs / f"{name}.log",
            environment={**self._environment, "DMARQ_HEALTH_ADDRESS": health, **(environment or {})},
            grace_s=20,
        )
        self.running[name] = Child(spec)
        self.health[name] = health
        if ready:
            self.wait_ready(name)
        return self.running[name]

    def wait_ready(self, name: str) -> None:
        self.running[name].wait_ready(lambda: self.is_ready(name), timeout_s=READY_S)

    def is_ready(self, name: str) -> bool:
        """Whether its readiness page says so."""
        return _is_ready(self.health[name])

    def stop_all(self) -> None:
        for child in self.running.values():
            child.send(child.spec.stop_signal)
        for child in self.running.values():
            child.stop()


@contextmanager
def services(*names: str, nats_url: str, database_url: str, logs: Path) -> Iterator[Services]:
    """These services, running and ready inside the block."""
    started = Services(nats_url=nats_url, database_url=database_url, logs=logs)
    with ExitStack() as stack:
        stack.callback(started.stop_all)
        for name in names:
            started.start(name, ready=False)
        for name in names:
            started.wait_ready(name)
        yield started


def _is_ready(address: str) -> bool:
    try:
        with urlopen(f"http://{address}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
