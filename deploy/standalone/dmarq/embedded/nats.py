"""NATS with JetStream as a child process: on loopback, its streams in the data directory, behind a password."""

import json
import os
from pathlib import Path
from string import Template
from typing import Self

from dmarq.embedded.child import Child, ChildSpec
from dmarq.embedded.datadir import DataDir
from dmarq.embedded.port import LOOPBACK, free_port, greets_with
from dmarq.embedded.programs import nats_server

READY_TIMEOUT_S = 30.0
USER = "dmarq"

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
authorization {
  user: $user
  password: $password
}
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
        self._password = data.secret("nats")
        self.port = port or free_port()
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """Where clients connect, password included."""
        return f"nats://{USER}:{self._password}@{LOOPBACK}:{self.port}"

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
            "user": USER,
            "password": self._password,
        }
        quoted = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
        path = self._data.path / "nats.conf"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(CONFIG.substitute(quoted))
        return path
