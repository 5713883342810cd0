"""Users with roles: added, changed, disabled; and what ends their sessions."""

import asyncio

import asyncpg
import pytest

from pipeline.settings import Settings
from tests.support.config_api import Api
from tests.support.people import PASSWORD, add_user, audited, browser_of, press, user_browser
from tests.support.services import ADMIN_TOKEN
from tests.support.signing_in import set_password, sign_in, signed_in


def test_a_user_signs_in_by_name_whatever_its_case_and_not_by_anothers_password(api: Api) -> None:
    add_user(api, "Alice", "operator")
    add_user(api, "bob", "viewer", password="another long password")
    assert "Signed in as" in browser_of(api, "alice").get("/account").text
    for name, secret in (("bob", PASSWORD), ("alice", "another long password"), ("nobody", PASSWORD), ("", PASSWORD)):
        assert sign_in(api.browser(), secret, name=name).status_code == 401
    assert sign_in(api.browser(), ADMIN_TOKEN, name="alice").status_code == 401
    assert api("GET", "/users").json["items"][0]["last_sign_in_at"]  # type: ignore[index]


@pytest.mark.parametrize(
    "change",
    [
        {"role": "viewer"},
        {"disabled": True},
        {"password": "another long password"},
        {"role": "viewer", "domains": ["example.com"]},
    ],
)
def test_a_session_ends_when_what_its_user_may_do_changes(api: Api, change: dict[str, object]) -> None:
    user = add_user(api, "alice", "operator")
    add_user(api, "bob", "operator")
    alice, bob = browser_of(api, "alice"), browser_of(api, "bob")
    assert api("PATCH", f"/users/{user['id']}", {}).status_code == 200
    assert alice.get("/api/v1/mailboxes").status_code == 200
    assert api("PATCH", f"/users/{user['id']}", change).status_code == 200
    assert [each.get("/api/v1/mailboxes").status_code for each in (alice, bob)] == [401, 200]


def test_who_is_disabled_or_removed_does_not_come_in(api: Api) -> None:
    user = add_user(api, "alice", "admin")
    api("PATCH", f"/users/{user['id']}", {"disabled": True})
    assert sign_in(api.browser(), PASSWORD, name="alice").status_code == 401
    api("PATCH", f"/users/{user['id']}", {"disabled": False})
    alice = browser_of(api, "alice")
    assert api("DELETE", f"/users/{user['id']}").status_code == 204
    assert alice.get("/api/v1/users").status_code == 401
    assert api("DELETE", f"/users/{user['id']}").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": "", "role": "viewer"}, "name"),
        ({"name": "a\nb", "role": "viewer"}, "name"),
        ({"name": "a", "role": "owner"}, "role"),
        ({"name": "a", "role": "admin", "password": "short"}, "password"),
        ({"name": "a", "role": "operator", "domains": ["example.com"]}, ""),
        ({"name": "a", "role": "viewer", "domains": []}, "domains"),
        ({"name": "a", "role": "viewer", "domains": ["a'; SET ROLE x", "b,c"]}, "domains.0"),
        ({"name": "a", "role": "viewer", "domains": ["example.com", "."]}, "domains.1"),
        ({"name": "a", "role": "viewer", "domains": [" .. "]}, "domains.0"),
    ],
)
def test_a_wrong_user_is_refused_with_the_field(api: Api, wanted: dict[str, object], field: str) -> None:
    answer = api("POST", "/users", wanted)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field), answer.text  # type: ignore[index]
    assert api("GET", "/users").json == {"items": []}


def test_a_name_is_taken_once(api: Api) -> None:
    add_user(api, "alice", "viewer")
    assert api("POST", "/users", {"name": "ALICE", "role": "viewer"}).status_code == 409


def test_an_operator_works_the_pipeline_and_sees_neither_users_nor_tokens(api: Api) -> None:
    api.add_mailbox(id="main")
    browser = user_browser(api, "olga", "operator")
    assert press(browser, "/settings/mailboxes", "/settings/mailboxes/main/pause").status_code == 303
    for path in ("/users", "/tokens", "/audit", "/sessions"):
        assert browser.get(f"/api/v1{path}").status_code == 403
    [paused] = [line for line in audited(api) if line["who"] == "olga" and line["target"] == "main"]
    assert (paused["via"], paused["address"]) == ("browser", "127.0.0.1")


def test_ones_own_password_is_changed_with_the_present_one_and_ends_the_other_browsers(api: Api) -> None:
    add_user(api, "alice", "viewer", domains=["example.com"])
    this, other = browser_of(api, "alice"), browser_of(api, "alice")
    admin = signed_in(api)
    fields = {"password": "another long password", "again": "another long password"}
    assert press(this, "/account", "/account/password", current="wrong", **fields).status_code == 401
    assert press(this, "/account", "/account/password", current=ADMIN_TOKEN, **fields).status_code == 401
    assert press(this, "/account", "/account/password", current=PASSWORD, **fields).status_code == 303
    assert [each.get("/account").status_code for each in (this, other, admin)] == [200, 303, 200]
    assert sign_in(api.browser(), "another long password", name="alice").status_code == 303


def test_sessions_are_listed_and_ended_ones_own_by_oneself_and_all_by_an_admin(api: Api) -> None:
    add_user(api, "alice", "viewer")
    first, second, admin = browser_of(api, "alice"), browser_of(api, "alice"), signed_in(api)
    listed = api("GET", "/sessions").json["items"]  # type: ignore[index]
    assert sorted(each["user"] for each in listed) == ["admin", "alice", "alice"]
    [admins] = [each["id"] for each in listed if each["user"] == "admin"]
    assert press(first, "/account", f"/account/sessions/{admins}/end").status_code == 404
    assert press(first, "/account", "/account/sessions/end-others").status_code == 303
    assert [each.get("/account").status_code for each in (first, second, admin)] == [200, 303, 200]
    [left] = [each["id"] for each in api("GET", "/sessions").json["items"] if each["user"] == "alice"]  # type: ignore[index]
    assert press(admin, "/settings/sessions", f"/settings/sessions/{left}/end").status_code == 303
    assert first.get("/account").status_code == 303
    assert api("DELETE", "/sessions").json == {"sessions": 1}
    assert admin.get("/account").status_code == 303


def test_pages_add_change_and_remove_users_and_say_what_is_wrong(api: Api) -> None:
    admin = signed_in(api)
    fields = {"name": "carol", "role": "viewer", "domains": "Example.COM\nexample.org", "password": PASSWORD}
    assert "The two passwords differ" in press(admin, "/settings/users", "/settings/users", **fields).text
    assert press(admin, "/settings/users", "/settings/users", **fields, again=PASSWORD).status_code == 303
    [user] = api("GET", "/users").json["items"]  # type: ignore[index]
    assert (user["role"], user["domains"]) == ("viewer", ["example.com", "example.org"])
    here = f"/settings/users/{user['id']}"
    refused = press(admin, here, here, role="operator", domains="example.com")
    assert (refused.status_code, "Only a viewer may be bound" in refused.text) == (422, True)
    assert press(admin, here, here, role="operator", domains="", disabled="yes").status_code == 303
    [user] = api("GET", "/users").json["items"]  # type: ignore[index]
    assert (user["role"], user["domains"], user["disabled"]) == ("operator", None, True)
    assert press(admin, here, f"{here}/remove").status_code == 303
    assert api("GET", "/users").json == {"items": []}


def test_the_password_of_before_there_were_users_is_that_of_the_user_admin(api: Api, settings: Settings) -> None:
    assert set_password(api, "a long enough password").status_code == 204
    [user] = api("GET", "/users").json["items"]  # type: ignore[index]
    assert (user["name"], user["role"]) == ("admin", "admin")
    assert sign_in(api.browser(), "a long enough password").status_code == 303
    assert sign_in(api.browser(), "a long enough password", name="Admin").status_code == 303


def test_a_hash_of_other_parameters_is_made_again_at_the_next_sign_in(api: Api, settings: Settings) -> None:
    from argon2 import PasswordHasher

    add_user(api, "alice", "viewer")
    old = PasswordHasher(memory_cost=8192, time_cost=1).hash(PASSWORD)
    url = settings.database_url.get_secret_value()
    asyncio.run(_execute(url, "UPDATE users SET password = $1", old))
    browser = browser_of(api, "alice")
    assert browser.get("/account").status_code == 200
    assert "m=65536" in asyncio.run(_execute(url, "SELECT password FROM users"))
    assert sign_in(api.browser(), PASSWORD, name="alice").status_code == 303


async def _execute(url: str, statement: str, *values: object) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval(statement, *values))
    finally:
        await connection.close()
