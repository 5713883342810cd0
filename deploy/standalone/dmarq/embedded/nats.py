"""NATS with JetStream as a child process: on loopback, streams in the data directory, users as in containers."""

import json
import os
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from dmarq.embedded.child import ChildSpec, EmbeddedServer
from dmarq.embedded.datadir import DataDir
from dmarq.embedded.errors import AddressTaken
from dmarq.embedded.programs import LOOPBACK, ensure_free, free_port, greets_with, nats_server

USERS = ("fetcher", "extractor", "parser", "config-api", "notifier", "migrate", "reports", "events", "operator")
CONFIG_DIRECTORY = "nats-config"
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

    `port` None takes the one of the last start in this data directory, for those who connect from outside; a free one
    where there was none, or another program has it now. `sync_interval` is how often JetStream
    syncs to disk ("10s", "always"): what a power cut may cost; a killed process loses nothing.
    """

    name = "nats"

    def __init__(
        self, data: DataDir, *, port: int | None = None, program: Path | None = None, sync_interval: str = "10s"
    ) -> None:
        super().__init__(data)
        self._program = nats_server(program)
        self._sync_interval = sync_interval
        self.port = port or _kept_port(data.path) or free_port()

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
        directory = self._data.path / CONFIG_DIRECTORY
        (directory / "secrets").mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(directory / "secrets/passwords.conf", "".join(map(self._password_line, USERS)))
        _write(directory / "nats-users.conf", PERMISSIONS.read_text(encoding="utf-8"))
        _write(directory / "nats.conf", CONFIG.substitute(quoted))
        return directory / "nats.conf"

    def _password(self, user: str) -> str:
        return self._data.secret(f"nats-{user}")

    def _password_line(self, user: str) -> str:
        return f'{user.replace("-", "_").upper()}_PASSWORD: "{self._password(user)}"\n'


def address_in(data_dir: Path, *, user: str) -> str | None:
    """Where this user connects to the server of a data directory, running or not; None where there is none."""
    port = _port_in(data_dir)
    try:
        password = (data_dir / f"nats-{user}.secret").read_text()
    except OSError:
        return None
    return f"nats://{user}:{password}@{LOOPBACK}:{port}" if port else None


def _kept_port(data_dir: Path) -> int | None:
    port = _port_in(data_dir)
    try:
        ensure_free(f"{LOOPBACK}:{port or 0}")
    except AddressTaken:
        return None
    return port


def _port_in(data_dir: Path) -> int | None:
    """The port that the server was last configured with."""
    try:
        config = (data_dir / CONFIG_DIRECTORY / "nats.conf").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'^listen: "[^"]*:(\d{1,5})"$', config, re.MULTILINE)
    return int(found[1]) if found else None


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
