"""Whatever is sent to the API, alone or in a row, is answered: nothing makes it fail."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from config_api.site.description import document
from config_api.web.contract import PREFIX
from tests.attack.odd_requests import answered
from tests.support.config_api import Api, api_settings, running_api, served
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN

HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
STREAM = f"{PREFIX}/events/stream"  # never ends
AWAY = 503  # no fetcher and no parser is running
CLIENTS = count()
EXAMPLES = 8  # for each operation
RUNS, STEPS = 15, 8
WALKS = 5  # until there were half of the requests that one walk may have


@pytest.fixture(scope="module")
def api(nats_server: str, postgres_server: str, migrated_template: str) -> Iterator[Api]:
    with (
        fresh_database(postgres_server, template=migrated_template) as url,
        running_api(api_settings(nats_url=nats_server, database_url=url)) as opened,
    ):
        opened.add_mailbox(id="main")
        yield opened


@pytest.fixture(scope="module")
def address(api: Api) -> Iterator[str]:
    with served(api, trusted_proxy="*") as found:
        yield found


@pytest.fixture(scope="module")
def described(api: Api) -> Any:
    with api.app.app_context():
        whole = dict(document())
    whole["paths"] = {path: item for path, item in whole["paths"].items() if path != STREAM}
    return schemathesis.openapi.from_dict(whole)


def test_requests_that_are_wrong_by_the_schema_are_refused(described: Any, address: str) -> None:
    for result in described.get_all_operations():
        operation = result.ok()

        @settings(max_examples=EXAMPLES, **_BOUNDED)
        @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def holds(case: Any) -> None:
            answer = case.call(base_url=f"http://{address}", headers=_headers())
            assert answer.status_code < 500 or answer.status_code == AWAY, case.as_curl_command()

        holds()


def test_requests_in_a_row_never_make_it_fail(described: Any, address: str) -> None:
    class Session(described.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"base_url": f"http://{address}", "headers": _headers()}

        def validate_response(self, response: Any, case: Any, additional_checks: Any = (), **kwargs: Any) -> None:
            statuses.append(response.status_code)
            if response.status_code != AWAY:
                case.validate_response(response, checks=[not_a_server_error])

    statuses: list[int] = []
    for _ in range(WALKS):
        # What the site keeps differs from run to run, and so do its answers. Hypothesis ends there; we begin again.
        with suppress(FlakyStrategyDefinition):
            Session.run(settings=settings(max_examples=RUNS, stateful_step_count=STEPS, **_BOUNDED))
        if len(statuses) >= RUNS * STEPS // 2:
            break
    assert len(statuses) >= RUNS * STEPS // 2


def test_odd_requests_never_make_it_fail(address: str) -> None:
    answers = answered(address, {**HEADERS, "X-Forwarded-For": "10.1.1.1"})
    assert [(odd, status) for odd, status in answers if status >= 500 and status != AWAY] == []
    assert {status for _, status in answers} >= {200, 404, 422}


_BOUNDED: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


def _headers() -> dict[str, str]:
    """Of somebody new each time, who has guessed no password yet."""
    return {**HEADERS, "X-Forwarded-For": f"10.0.{next(CLIENTS) // 250 % 250}.{next(CLIENTS) % 250}"}
