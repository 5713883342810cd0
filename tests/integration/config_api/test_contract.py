"""The API holds what its own OpenAPI document says, for whatever anybody sends."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig

from config_api.web.contract import PREFIX
from tests.integration.config_api.test_dead_letters import _fetched, _put_dead_letters
from tests.support.config_api import Api, api_settings, running_api, served
from tests.support.described import described_api
from tests.support.extracted import extracted
from tests.support.reports import report_xml
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN
from tests.support.stored import store

CLIENTS = count()
HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
EXAMPLES = 20  # for each operation
STREAM = f"{PREFIX}/events/stream"  # never ends; test_process.py reads it

# A request may be right by its schema and still not be followed: a version that is not there, a move without a folder.
REFUSALS = ["2xx", "404", "409", "410", "412", "422", "428", "503"]


@pytest.fixture(scope="module")
def filled(nats_server: str, postgres_server: str, migrated_template: str) -> Iterator[Api]:
    with (
        fresh_database(postgres_server, template=migrated_template) as url,
        running_api(api_settings(nats_url=nats_server, database_url=url, api_rate=0)) as api,
    ):
        api.add_mailbox(id="main")
        store(api.backend, extracted(1, report_xml()))
        _put_dead_letters(api, _fetched(1), _fetched(2))
        yield api


@pytest.fixture(scope="module")
def address(filled: Api) -> Iterator[str]:
    with served(filled, trusted_proxy="*") as listen:
        yield f"http://{listen}"


def _operations() -> list[Any]:
    checks = {
        "positive_data_acceptance": {"expected-statuses": REFUSALS},
        "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "503"]},  # no fetcher is running here
    }
    config = SchemathesisConfig.from_dict({"checks": checks})
    described = described_api()
    described["paths"] = {path: item for path, item in described["paths"].items() if path != STREAM}
    found: Iterable[Any] = schemathesis.openapi.from_dict(described, config=config).get_all_operations()
    return [result.ok() for result in found]


def _of_somebody_new() -> dict[str, str]:
    """The checks try wrong tokens, too, and would soon be told to wait."""
    return {"X-Forwarded-For": str(ip_address(2**31 + next(CLIENTS)))}


@pytest.mark.parametrize("operation", _operations(), ids=lambda operation: operation.label)
def test_every_operation_answers_as_described(operation: Any, address: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        case.call_and_validate(base_url=address, headers={**HEADERS, **_of_somebody_new()}, timeout=60)

    holds()
