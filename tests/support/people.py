"""Users of config-api, and browsers in which they are signed in."""

from typing import Any

from flask.testing import FlaskClient

from tests.support.config_api import Api
from tests.support.signing_in import csrf_token, sign_in

PASSWORD = "correct horse battery staple"


def add_user(api: Api, name: str, role: str, **more: Any) -> dict[str, Any]:
    """A user with the password PASSWORD, as the API gives them."""
    answer = api("POST", "/users", {"name": name, "role": role, "password": PASSWORD, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json or {})


def browser_of(api: Api, name: str, password: str = PASSWORD) -> FlaskClient:
    """A browser in which the user is signed in."""
    browser = api.browser()
    assert sign_in(browser, password, name=name).status_code == 303
    return browser


def user_browser(api: Api, name: str, role: str, **more: Any) -> FlaskClient:
    """The same of a new user."""
    add_user(api, name, role, **more)
    return browser_of(api, name)


def press(browser: FlaskClient, page: str, action: str, **fields: Any) -> Any:
    """Sends a form of a page."""
    return browser.post(action, data={"csrf_token": csrf_token(browser, page), **fields})


def audited(api: Api, query: str = "") -> list[dict[str, Any]]:
    """Lines of the audit log, the latest first."""
    answer = api("GET", f"/audit{query}")
    assert answer.status_code == 200, answer.text
    return list((answer.json or {})["items"])
