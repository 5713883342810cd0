"""Three NATS servers on loopback that work as one, from deploy/nats-cluster.conf."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Self

import nats
from nats.errors import Error as NatsError

from dmarq.embedded.child import Child, ChildSpec
from dmarq.embedded.programs import LOOPBACK, free_port, greets_with, nats_server

CONFIG = Path(__file__).parents[2] / "deploy" / "nats-cluster.conf"
NAMES = ("a", "b", "c")
READY_S = 60.0
PASSWORD = "of-the-tests"


class Cluster:
    """A broker of three nodes; `kill` takes them in turn."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._ports = {name: free_port() for name in NAMES}
        self._routes = {name: free_port() for name in NAMES}
        self._children: dict[str, Child] = {}
        self._turn = 0

    @property
    def url(self) -> str:
        """All three, with commas in between."""
        return ",".join(f"nats://dmarq:{PASSWORD}@{LOOPBACK}:{port}" for port in self._ports.values())

    @property
    def port(self) -> int:
        """The port of one of them."""
        return self._ports[NAMES[0]]

    def start(self) -> None:
        """Starts the nodes that do not run, and returns when JetStream works."""
        for name in NAMES:
            if name not in self._children or not self._children[name].running:
                self._children[name] = self._started(name)
        for name in NAMES:
            port = self._ports[name]
            self._children[name].wait_ready(lambda port=port: greets_with(b"INFO ", port=port), timeout_s=READY_S)  # type: ignore[misc]
        asyncio.run(self._until_it_works())

    def kill(self) -> None:
        """Ends one node with SIGKILL, another one each time."""
        self._children[NAMES[self._turn % len(NAMES)]].kill()
        self._turn += 1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children.values():
            child.stop()

    def _started(self, name: str) -> Child:
        environment = {
            "NATS_NAME": name,
            "NATS_LISTEN": json.dumps(f"{LOOPBACK}:{self._ports[name]}"),
            "NATS_CLUSTER_LISTEN": json.dumps(f"{LOOPBACK}:{self._routes[name]}"),
            "NATS_STORE": json.dumps(str(self._data / name)),
            "NATS_ROUTES": json.dumps([f"nats://{LOOPBACK}:{port}" for port in self._routes.values()]),
            "NATS_USER": "dmarq",
            "NATS_PASSWORD": json.dumps(PASSWORD),
        }
        return Child(
            ChildSpec(
                name=f"nats-{name}",
                command=(str(nats_server()), "--config", str(CONFIG)),
                log=self._data / f"{name}.log",
                environment=environment,
            )
        )

    async def _until_it_works(self) -> None:
        """The nodes must have chosen a leader first."""
        async with asyncio.timeout(READY_S):
            while True:
                with suppress(NatsError, OSError):
                    await self._ask()
                    return
                await asyncio.sleep(0.5)

    async def _ask(self) -> None:
        client = await nats.connect(self.url.split(","), error_cb=_said_nothing, allow_reconnect=False)
        try:
            await client.jetstream(timeout=2).account_info()
        finally:
            await client.close()


async def _said_nothing(_: Exception) -> None:
    """Nodes that are still looking for each other are no news."""
