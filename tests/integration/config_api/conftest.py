"""config-api on a real NATS and a real PostgreSQL."""

from collections.abc import Iterator

import pytest

from pipeline.settings import Settings
from tests.support.config_api import Api, api_settings, running_api
from tests.support.servers import fresh_database


@pytest.fixture
def settings(nats_url: str, migrated_url: str) -> Settings:
    return api_settings(nats_url=nats_url, database_url=migrated_url)


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    with running_api(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def unchanged_api(nats_server: str, postgres_server: str, migrated_template: str) -> Iterator[Api]:
    """One that tests share which are refused, or only look at an empty site."""
    with (
        fresh_database(postgres_server, template=migrated_template) as url,
        running_api(api_settings(nats_url=nats_server, database_url=url)) as opened,
    ):
        yield opened
