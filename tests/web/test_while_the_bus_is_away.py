import pytest
from flask.testing import FlaskClient

from tests.support.config_api import api_settings, eventually, running_api
from tests.support.services import ADMIN_TOKEN

NOBODY = "nats://127.0.0.1:9"


def _sign_in(browser: FlaskClient) -> None:
    form = browser.get("/sign-in").text
    token = form.split('name="csrf_token" value="')[1].split('"')[0]
    answer = browser.post("/sign-in", data={"csrf_token": token, "secret": ADMIN_TOKEN})
    assert answer.status_code == 303


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/reports", 200), ("/attention", 503)])
def test_pages_that_need_the_bus_say_so_and_the_others_still_work(migrated_url: str, path: str, status: int) -> None:
    settings = api_settings(nats_url=NOBODY, database_url=migrated_url)
    with running_api(settings, ready=False) as api:
        browser = api.browser()
        eventually(lambda: list(api.backend.readiness.missing) == ["nats"])
        _sign_in(browser)
        answer = browser.get(path)
        assert answer.status_code == status
        assert ("Retry-After" in answer.headers) is (status == 503)
        assert 'aria-label="Main"' in answer.text
