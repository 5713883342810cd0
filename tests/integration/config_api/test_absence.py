"""With the database or the bus away nothing hangs, and what needs neither goes on."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from config_api.backend.loop import Loop
from pipeline.settings import Settings
from tests.support.config_api import MAILBOX, Api, api_settings, eventually, running_api
from tests.support.proxy import FaultyProxy

NOWHERE_NATS = "nats://127.0.0.1:9"
NOWHERE_POSTGRES = "postgresql://dmarq@127.0.0.1:9/dmarq"
NEEDS_DATABASE = ("/mailboxes", "/activity", "/mails", "/reports", "/summary")


def test_before_anything_is_there_we_are_alive_and_not_ready() -> None:
    with running_api(api_settings(nats_url=NOWHERE_NATS, database_url=NOWHERE_POSTGRES), ready=False) as api:
        browser = api.browser()
        assert browser.get("/healthz").status_code == 200
        ready = browser.get("/readyz")
        assert (ready.status_code, ready.json) == (503, {"status": "waiting", "missing": ["nats", "postgres", "setup"]})
        for path in (*NEEDS_DATABASE, "/dead-letters"):
            _expect_later(api("GET", path))


def test_without_the_bus_mailboxes_are_saved_and_told_later(migrated_url: str, nats_url: str) -> None:
    settings = api_settings(nats_url=NOWHERE_NATS, database_url=migrated_url)
    with running_api(settings, ready=False) as api:
        eventually(lambda: api("GET", "/mailboxes").status_code == 200)
        made = api.add_mailbox(id="main")
        assert made["is_published"] is False
        _expect_later(api("POST", "/mailboxes/main/fetch"))
        _expect_later(api("POST", "/mailboxes/test", MAILBOX))
        _expect_later(api("GET", "/dead-letters"))
    with running_api(api_settings(nats_url=nats_url, database_url=migrated_url)) as api:
        assert eventually(lambda: api("GET", "/mailboxes/main").json["is_published"])  # type: ignore[index]


def test_without_a_fetcher_a_test_says_so_at_once(api: Api) -> None:
    api.add_mailbox(id="main")
    for path in ("/mailboxes/main/test", "/mailboxes/main/fetch", "/mailboxes/main/backfill"):
        answer = api("POST", path)
        assert answer.status_code == 503
        assert "fetcher" in answer.json["detail"]  # type: ignore[index]
    api("POST", "/mailboxes/main/pause")
    assert api("POST", "/mailboxes/main/fetch").status_code == 409


def test_when_the_database_goes_and_comes_back_so_do_we(api_behind_proxy: tuple[Api, "_Proxy"]) -> None:
    api, proxy = api_behind_proxy
    api.add_mailbox(id="main")
    proxy.refuse()
    _expect_later(eventually(lambda: _unless_200(api("GET", "/mailboxes"))))
    page = api.browser().get("/sign-in")
    assert page.status_code == 200
    assert api.browser().get("/readyz").status_code == 503
    proxy.repair()
    eventually(lambda: api("GET", "/mailboxes").status_code == 200)
    eventually(lambda: api.browser().get("/readyz").status_code == 200)


def test_a_database_that_says_nothing_holds_nobody_up(api_behind_proxy: tuple[Api, "_Proxy"]) -> None:
    api, proxy = api_behind_proxy
    api.add_mailbox(id="main")
    proxy.hang()
    api.backend.answer_timeout = 1.0
    _expect_later(api("GET", "/mailboxes"))
    assert api.browser().get("/healthz").status_code == 200
    proxy.repair()
    eventually(lambda: api("GET", "/mailboxes").status_code == 200)


def test_people_get_a_page_that_says_what_is_away() -> None:
    with running_api(api_settings(nats_url=NOWHERE_NATS, database_url=NOWHERE_POSTGRES), ready=False) as api:
        browser = api.browser()
        browser.set_cookie("dmarq_session", "anything")
        answer = browser.get("/reports")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "The database does not answer" in answer.text


class _Proxy:
    """The proxy on a loop of its own, as seen from the test's thread."""

    def __init__(self, port: int) -> None:
        self._loop = Loop()
        self._proxy = FaultyProxy(port=port)
        self._loop.call(self._proxy.__aenter__(), timeout=5)
        self.port = self._proxy.port

    def refuse(self) -> None:
        self._do(self._proxy.refuse)

    def hang(self) -> None:
        self._do(self._proxy.hang)

    def repair(self) -> None:
        self._do(self._proxy.repair)

    def close(self) -> None:
        self._loop.call(self._proxy.__aexit__(), timeout=5)
        self._loop.close()

    def _do(self, change: Callable[[], None]) -> None:
        async def there() -> None:
            change()

        self._loop.call(there(), timeout=5)


@pytest.fixture
def api_behind_proxy(settings: Settings) -> Iterator[tuple[Api, _Proxy]]:
    url = urlsplit(settings.database_url.get_secret_value())
    proxy = _Proxy(url.port or 5432)
    through = url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:{proxy.port}").geturl()
    try:
        with running_api(settings.model_copy(update={"database_url": SecretStr(through)})) as api:
            yield api, proxy
    finally:
        proxy.close()


def _expect_later(answer: Any) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.content_type == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


def _unless_200(answer: Any) -> Any:
    return None if answer.status_code == 200 else answer
