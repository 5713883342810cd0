"""config-api on a real NATS and a real PostgreSQL."""

from collections.abc import Iterator

import pytest

from pipeline.settings import Settings
from tests.support.config_api import Api, api_settings, running_api


@pytest.fixture
def settings(nats_url: str, migrated_url: str) -> Settings:
    return api_settings(nats_url=nats_url, database_url=migrated_url)


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    with running_api(settings) as opened:
        yield opened
