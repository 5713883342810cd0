"""NATS with JetStream as a child process: on loopback, streams in the data directory, users as in containers."""

import json
import os
from importlib.resources import files
from pathlib import Path
from string import Template

from dmarq.embedded.child import ChildSpec
from dmarq.embedded.datadir import DataDir
from dmarq.embedded.programs import LOOPBACK, free_port, greets_with, nats_server
from dmarq.embedded.server import EmbeddedServer

USERS = ("fetcher", "extractor", "parser", "config-api", "migrate", "reports", "operator")
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


class EmbeddedNats(EmbeddedServer):
    """A NATS server of our own.

    `port` None takes a free one, which later starts of the same object keep. `sync_interval` is how often JetStream
    syncs to disk ("10s", "always"): what a power cut may cost; a killed process loses nothing.
    """

    name = "nats"

    def __init__(
        self, data: DataDir, *, port: int | None = None, program: Path | None = None, sync_interval: str = "10s"
    ) -> None:
        super().__init__(data)
        self._program = nats_server(program)
        self._sync_interval = sync_interval
        self.port = port or free_port()

    @property
    def url(self) -> str:
        """Where somebody connects who may do everything, password included."""
        return self.url_of(OPERATOR)

    def url_of(self, user: str) -> str:
        """Where this user connects, password included."""
        return f"nats://{user}:{self._password(user)}@{LOOPBACK}:{self.port}"

    def _spec(self) -> ChildSpec:
        return ChildSpec(
            name=self.name,
            command=(str(self._program), "--config", str(self._write_config())),
            log=self._data.log(self.name),
            environment={},
            keep_open=(self._data.lock_fd,),
        )

    def _is_ready(self) -> bool:
        return greets_with(b"INFO ", port=self.port)

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
