"""Fixtures for tests of what is deployed beside the services."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.storage.transaction import AnnouncementOptions, Store
from pipeline.postgres.connection import Database
from pipeline.settings import process_environment
from tests.support.deployment import GuardedNats, Secrets, guarded_nats, make_roles, service_urls
from tests.support.servers import fresh_database, running_postgres


@pytest.fixture
def parser(postgres: Database) -> ParserHandler:
    """The parser on a real database."""
    store = Store(postgres, AnnouncementOptions(max_rows=2, public_url="https://dmarq.example"))
    return ParserHandler(postgres, store, options=ReadOptions(), committed=lambda: None)


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return Secrets.made(tmp_path_factory.mktemp("volumes"))


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, secrets: Secrets) -> Iterator[GuardedNats]:
    with guarded_nats(tmp_path_factory.mktemp("nats"), secrets) as server:
        yield server


@pytest.fixture(scope="session")
def superuser_url(secrets: Secrets) -> Iterator[str]:
    with running_postgres() as server, fresh_database(server) as url:
        make_roles(url, secrets)
        make_roles(url, secrets)  # a repeat changes nothing
        yield url


@pytest.fixture(scope="session")
def upgraded(secrets: Secrets, guarded: GuardedNats, superuser_url: str) -> dict[str, str]:
    """The environment of the services, after `dmarq-migrate` has done its work twice."""
    urls = service_urls("migrate", secrets, guarded, superuser_url)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", "import sys; from pipeline.upgrade import main; sys.exit(main())"],
            env={**process_environment(), **urls},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "schema is up to date"
    return {
        "DMARQ_MIGRATE": "false",
        "DMARQ_SECRET_KEY": secrets.read("fetcher/secret_key"),
        "DMARQ_RECONCILE_MINUTES": "0.02",
    }
