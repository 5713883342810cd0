"""Who signs in is told apart by address, also behind a reverse proxy that is trusted, and behind no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config_api.access.limiter import PER_CLIENT
from dmarq.embedded.programs import LOOPBACK
from tests.support.services import Services

FIRST, SECOND = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def stopped(nats_url: str, migrated_url: str, tmp_path: Path) -> Iterator[Services]:
    services = Services(nats_url=nats_url, database_url=migrated_url, logs=tmp_path)
    yield services
    services.stop_all()


@pytest.mark.parametrize(("trusted", "others"), [(LOOPBACK, 401), ("192.0.2.9", 429), ("", 429)])
def test_one_client_does_not_use_up_the_tries_of_another(stopped: Services, trusted: str, others: int) -> None:
    stopped.start("config-api", environment={"DMARQ_TRUSTED_PROXY": trusted})
    with httpx.Client(base_url=f"http://{stopped.http_address}") as browser:
        page = browser.get("/sign-in").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None
        form = {"secret": "wrong", "csrf_token": token[1]}

        def guess(client: str) -> int:
            return browser.post("/sign-in", data=form, headers={"X-Forwarded-For": client}).status_code

        assert [guess(FIRST) for _ in range(PER_CLIENT + 1)] == [401] * PER_CLIENT + [429]
        assert guess(SECOND) == others
        assert guess(f"{SECOND}, {FIRST}") == 429  # what the proxy itself adds comes last
