"""NATS with JetStream as a child process: on loopback, streams in the data directory, users as in containers."""

import json
import os
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Self

from dmarq.embedded.child import Child, ChildSpec
from dmarq.embedded.datadir import DataDir
from dmarq.embedded.programs import LOOPBACK, free_port, greets_with, nats_server

READY_TIMEOUT_S = 30.0
USERS = ("fetcher", "extractor", "parser", "config-api", "notifier", "migrate", "reports", "operator")
OPERATOR = "operator"  # who may do everything
PERMISSIONS = files("dmarq.embedded").joinpath("nats-users.conf")  # those of deploy/nats-users.conf

# The streams reserve their bounds; without a number of its own NATS would grant only a share of the free disk.
# The limits are those of deploy/nats.conf, which is for containers; a test holds the two together.
CONFIG = Template("""\
server_name: dmarq
listen: $listen
max_payload: 8MB
jetstream {
  store_dir: $store_dir
  sync_interval: $sync_interval
  max_file_store: 64GB
}
include "nats-users.conf"
""")


class EmbeddedNats:
    """A NATS server of our own. As a context manager it runs inside the block.

    `port` None takes a free one, which later starts of the same object keep. `sync_interval` is how often JetStream
    syncs to disk ("10s", "always"): what a power cut may cost; a killed process loses nothing.
    """

    def __init__(
        self, data: DataDir, *, port: int | None = None, program: Path | None = None, sync_interval: str = "10s"
    ) -> None:
        self._data = data
        self._program = nats_server(program)
        self._sync_interval = sync_interval
        self.port = port or free_port()
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """Where somebody connects who may do everything, password included."""
        return self.url_of(OPERATOR)

    def url_of(self, user: str) -> str:
        """Where this user connects, password included."""
        return f"nats://{user}:{self._password(user)}@{LOOPBACK}:{self.port}"

    def start(self) -> Child:
        """Start the server and return when it takes clients. Raises ChildFailed."""
        self.child = Child(
            ChildSpec(
                name="nats",
                command=(str(self._program), "--config", str(self._write_config())),
                log=self._data.log("nats"),
                environment={},
                keep_open=(self._data.lock_fd,),
            )
        )
        self.child.wait_ready(lambda: greets_with(b"INFO ", port=self.port), timeout_s=READY_TIMEOUT_S)
        return self.child

    def stop(self) -> None:
        """Stop the server; it finishes what it has accepted."""
        if self.child is not None:
            self.child.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _write_config(self) -> Path:
        values = {
            "listen": f"{LOOPBACK}:{self.port}",
            "store_dir": str(self._data.path / "nats"),
            "sync_interval": self._sync_interval,
        }
        quoted = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
        directory = self._data.path / "nats-config"
        (directory / "secrets").mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(directory / "secrets/passwords.conf", "".join(map(self._password_line, USERS)))
        _write(directory / "nats-users.conf", PERMISSIONS.read_text(encoding="utf-8"))
        _write(directory / "nats.conf", CONFIG.substitute(quoted))
        return directory / "nats.conf"

    def _password(self, user: str) -> str:
        return self._data.secret(f"nats-{user}")

    def _password_line(self, user: str) -> str:
        return f'{user.replace("-", "_").upper()}_PASSWORD: "{self._password(user)}"\n'


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
