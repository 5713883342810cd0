"""A running pipeline for tests that do not break it, shared by them; and the means for one of a test's own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.dovecot import Dovecot
from tests.support.servers import fresh_database
from tests.support.site import Inspector, Site, running_site


@pytest.fixture(scope="session")
def site(
    dovecot: Dovecot, nats_server: str, postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The pipeline on servers that the tests of a session share."""
    logs = tmp_path_factory.mktemp("site")
    with (
        fresh_database(postgres_server) as database_url,
        running_site(dovecot, nats_url=nats_server, database_url=database_url, logs=logs) as running,
    ):
        yield running


@pytest.fixture
async def inspector(site: Site) -> AsyncIterator[Inspector]:
    """Connections to it."""
    async with site.opened() as opened:
        yield opened
