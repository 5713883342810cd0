"""Fixtures for real servers: one PostgreSQL for a session, and for each test its own database and its own NATS.

`postgres_template` names the database that fresh ones are copied from: override it with a migrated one.
"""

from collections.abc import Iterator

import pytest

from tests.support.servers import fresh_database, running_nats, running_postgres


@pytest.fixture(scope="session")
def nats_server() -> Iterator[str]:
    """The URL of a NATS server that the tests of a session share; what is in it is anybody's."""
    with running_nats() as url:
        yield url


@pytest.fixture
def nats_url() -> Iterator[str]:
    """The URL of a NATS server of the test's own, with nothing in it."""
    with running_nats() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that the tests of a session share; its role may create databases."""
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template() -> str:
    return "template1"


@pytest.fixture
def database_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The URL of a database of the test's own."""
    with fresh_database(postgres_server, template=postgres_template) as url:
        yield url
