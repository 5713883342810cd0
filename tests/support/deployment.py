"""What deploy/ says, brought to life on loopback: its secrets, its NATS users, its PostgreSQL roles."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from urllib.parse import urlsplit, urlunsplit

import nats
from nats.aio.client import Client

from dmarq.embedded.child import Child, ChildSpec
from dmarq.embedded.programs import LOOPBACK, free_port, greets_with, nats_server, postgres_bin_dir

DEPLOY = Path(__file__).parents[2] / "deploy"
ROLES = ("owner", "parser", "config_api", "notifier", "grafana")
VOLUMES = (
    "nats-data",
    "nats",
    "postgres",
    "migrate",
    "fetcher",
    "extractor",
    "parser",
    "config-api",
    "notifier",
    "grafana",
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The volumes that prepare.sh fills."""

    volumes: Path

    @classmethod
    def made(cls, volumes: Path) -> "Secrets":
        """New ones, or those that are there already."""
        for name in VOLUMES:
            (volumes / name).mkdir(parents=True, exist_ok=True)
        subprocess.run(["sh", DEPLOY / "compose/prepare.sh", volumes], check=True)
        return cls(volumes)

    def read(self, path: str) -> str:
        """One secret, "service/name"."""
        return (self.volumes / path).read_text(encoding="utf-8").strip()

    def url(self, path: str, address: str, *, database: str = "") -> str:
        """A secret URL, with the address of a server of this test instead of the container's."""
        parts = urlsplit(self.read(path))
        return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@{address}", path=database))


def nats_configuration(directory: Path, secrets: Secrets) -> Path:
    """The configuration of the NATS container, with its passwords; but its data is below the directory."""
    (directory / "secrets").mkdir(parents=True)
    copy(DEPLOY / "nats-users.conf", directory)
    copy(secrets.volumes / "nats/passwords.conf", directory / "secrets")
    text = (DEPLOY / "nats.conf").read_text(encoding="utf-8")
    (directory / "nats.conf").write_text(text.replace('"/data"', json.dumps(str(directory / "data"))))
    return directory / "nats.conf"


@dataclass(frozen=True, slots=True)
class GuardedNats:
    """A NATS server with the users of deploy/."""

    address: str
    log: Path

    @property
    def refusals(self) -> list[str]:
        """What the server has refused to somebody."""
        return [line for line in self.log.read_text(encoding="utf-8").splitlines() if "Violation" in line]


@contextmanager
def guarded_nats(directory: Path, secrets: Secrets) -> Iterator[GuardedNats]:
    """Runs inside the block, its data below `directory`."""
    port = free_port()
    config = nats_configuration(directory / "conf", secrets)
    listening = ("--addr", LOOPBACK, "--port", str(port), "--http_port", str(free_port()))
    command = (str(nats_server()), "--config", str(config), *listening)
    log = directory / "nats.log"
    child = Child(ChildSpec(name="nats", command=command, log=log, environment={}))
    try:
        child.wait_ready(lambda: greets_with(b"INFO ", port=port), timeout_s=30)
        yield GuardedNats(f"{LOOPBACK}:{port}", log)
    finally:
        child.stop()


@asynccontextmanager
async def client_of(user: str, secrets: Secrets, guarded: GuardedNats, *, inbox: str = "") -> AsyncIterator[Client]:
    """A connection as this user, whose answers come to where the user may hear them."""
    password = secrets.read(f"nats/{user}")
    inbox = inbox or f"_INBOX_{user}"
    async with await nats.connect(
        f"nats://{guarded.address}", user=user, password=password, inbox_prefix=inbox
    ) as client:
        yield client


def service_urls(name: str, secrets: Secrets, guarded: GuardedNats, superuser_url: str) -> dict[str, str]:
    """The settings that tell a service its servers, with its own user and role."""
    found = {"DMARQ_NATS_URL": secrets.url(f"{name}/nats_url", guarded.address)}
    if (secrets.volumes / name / "database_url").exists():
        parts = urlsplit(superuser_url)
        address = f"{parts.hostname}:{parts.port}"
        found["DMARQ_DATABASE_URL"] = secrets.url(f"{name}/database_url", address, database=parts.path)
    return found


def make_roles(superuser_url: str, secrets: Secrets) -> None:
    """Runs roles.sql, as the PostgreSQL container does."""
    variables = (f"{role}_password={secrets.read(f'postgres/{role}')}" for role in ROLES)
    options = [part for variable in variables for part in ("-v", variable)]
    psql = postgres_bin_dir() / "psql"
    subprocess.run([psql, "-Xq", *options, "-f", DEPLOY / "postgres/roles.sql", superuser_url], check=True)
