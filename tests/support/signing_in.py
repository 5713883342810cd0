"""A browser's and a program's ways into config-api."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.config_api import Api
from tests.support.services import ADMIN_TOKEN


def set_password(api: Api, password: str | None, *, current: str = ADMIN_TOKEN) -> TestResponse:
    return api("PUT", "/password", {"current": current, "password": password})


def made_token(api: Api, scope: str) -> str:
    made = api("POST", "/tokens", {"name": f"for {scope}", "scope": scope})
    assert made.json is not None
    return str(made.json["token"])


def csrf_token(browser: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert found is not None
    return found[1]


def sign_in(browser: FlaskClient, secret: str, **form: Any) -> Any:
    return browser.post("/sign-in", data={"secret": secret, "csrf_token": csrf_token(browser, "/sign-in"), **form})


def signed_in(api: Api) -> FlaskClient:
    browser = api.browser()
    assert sign_in(browser, ADMIN_TOKEN).status_code == 303
    return browser
