import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from pipeline.settings import Settings
from tests.support.config_api import MAILBOX, Api, api_settings, running_api
from tests.support.services import ADMIN_TOKEN

READ = ("/mailboxes", "/activity", "/runs", "/logs", "/mails", "/reports", "/summary", "/dead-letters")
OPERATE = ("/mailboxes/main/pause", "/mailboxes/main/resume", "/dead-letters/1/retry", "/mailboxes/main/test")


@pytest.mark.parametrize("path", [*READ, "/openapi.json", "/tokens", "/events/stream", "/mailboxes/main"])
def test_without_a_token_nothing_is_served(api: Api, path: str) -> None:
    answer = api.browser().get(f"/api/v1{path}")
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path", ["/", "/overview/sources", "/reports", "/settings/mailboxes", "/settings/logs", "/dead-letters"]
)
def test_without_a_session_every_page_leads_to_the_sign_in(api: Api, path: str) -> None:
    answer = api.browser().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=")


def test_health_is_open_and_metrics_are_not(api: Api) -> None:
    browser = api.browser()
    assert browser.get("/healthz").json == {"status": "ok"}
    assert browser.get("/readyz").json == {"status": "ready", "missing": []}
    assert browser.get("/metrics").status_code == 401
    metrics = browser.get("/metrics", headers={"Authorization": f"Bearer {_token(api, 'read')}"})
    assert "dmarq_dependency_up" in metrics.text


@pytest.mark.parametrize("wrong", ["Bearer nonsense", "Bearer dmarq_nonsense", "Bearer ", "Basic YWRtaW46YQ==", "x"])
def test_a_wrong_token_is_no_token(api: Api, wrong: str) -> None:
    answer = api.browser().get("/api/v1/mailboxes", headers={"Authorization": wrong})
    assert answer.status_code == 401


def test_a_token_can_do_what_its_scope_says_and_no_more(api: Api) -> None:
    api.add_mailbox(id="main")
    read, operate = (api.with_token(_token(api, scope)) for scope in ("read", "operate"))
    assert {path: read("GET", path).status_code for path in READ} == dict.fromkeys(READ, 200)
    assert {path: read("POST", path).status_code for path in OPERATE} == dict.fromkeys(OPERATE, 403)
    assert operate("POST", "/mailboxes/main/pause").status_code == 200
    for method, path in (("POST", "/mailboxes"), ("PATCH", "/mailboxes/main"), ("GET", "/tokens"), ("POST", "/tokens")):
        assert operate(method, path, {}).status_code == 403
    assert operate("POST", "/mailboxes/main/test", {"folder": "Other"}).status_code == 403


def test_a_token_is_shown_once_and_revoked_at_once(api: Api) -> None:
    made = api("POST", "/tokens", {"name": "grafana", "scope": "read"})
    assert made.status_code == 201
    assert made.json is not None
    listed = api("GET", "/tokens")
    assert made.json["token"] not in listed.text
    assert [(item["name"], item["scope"]) for item in listed.json["items"]] == [("grafana", "read")]  # type: ignore[index]
    grafana = api.with_token(made.json["token"])
    assert grafana("GET", "/mailboxes").status_code == 200
    assert api("GET", "/tokens").json["items"][0]["last_used_at"]  # type: ignore[index]
    assert api("DELETE", f"/tokens/{made.json['id']}").status_code == 204
    assert grafana("GET", "/mailboxes").status_code == 401
    assert api("DELETE", f"/tokens/{made.json['id']}").status_code == 404


def test_what_is_stored_of_a_secret_does_not_hold_it(api: Api) -> None:
    token = _token(api, "admin")
    cookie = _signed_in(api)
    _set_password(api, "a long enough password")
    api.add_mailbox(id="main")

    async def everything() -> str:
        async with api.backend.database.connection() as connection:
            tables = ("api_token", "session", "sign_in_code", "credential", "mailbox", "activity", "outbox")
            found = [await connection.fetch(f"SELECT t::text FROM {table} AS t") for table in tables]
        return str([row[0] for rows in found for row in rows])

    stored = api.backend.run(everything())
    session = cookie.get_cookie("dmarq_session")
    assert session is None or session.value not in stored
    assert not [secret for secret in (token, "a long enough password", MAILBOX["password"]) if secret in stored]


def test_the_admin_token_signs_in_and_the_cookie_is_kept_from_scripts_and_other_sites(api: Api) -> None:
    browser = api.browser()
    answer = _sign_in(browser, ADMIN_TOKEN)
    assert answer.status_code == 303
    [cookie] = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("dmarq_session=")]
    assert {"HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert browser.get("/api/v1/mailboxes").status_code == 200


def test_behind_tls_the_cookie_stays_there(settings: Settings) -> None:
    with running_api(settings.model_copy(update={"public_url": "https://dmarq.example"})) as api:
        answer = _sign_in(api.browser(), ADMIN_TOKEN)
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "Strict-Transport-Security" in answer.headers


def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(api: Api) -> None:
    browser = _signed_in(api)
    kept = browser.get_cookie("dmarq_session")
    assert kept is not None
    assert browser.post("/sign-out", data={"csrf_token": _csrf(browser, "/reports")}).status_code == 303
    browser.set_cookie("dmarq_session", kept.value)
    assert browser.get("/api/v1/mailboxes").status_code == 401


def test_a_password_signs_in_too_and_setting_it_signs_others_out(api: Api) -> None:
    other = _signed_in(api)
    assert _set_password(api, "short").status_code == 422
    assert _set_password(api, "a long enough password").status_code == 204
    assert other.get("/api/v1/mailboxes").status_code == 401
    assert _sign_in(api.browser(), "a long enough password").status_code == 303
    assert _set_password(api, None).status_code == 204
    assert _sign_in(api.browser(), "a long enough password").status_code == 401


def test_after_some_wrong_guesses_even_the_right_one_must_wait(api: Api) -> None:
    browser = api.browser()
    guesses = [_sign_in(browser, "wrong").status_code for _ in range(11)]
    assert guesses == [401] * 10 + [429]
    answer = _sign_in(browser, ADMIN_TOKEN)
    assert answer.status_code == 429


@pytest.mark.parametrize("token", ["", "wrong", None])
def test_a_form_without_the_right_csrf_token_does_nothing(api: Api, token: str | None) -> None:
    browser = _signed_in(api)
    form = {} if token is None else {"csrf_token": token}
    assert browser.post("/sign-out", data=form).status_code == 403
    assert browser.post("/api/v1/mailboxes", json=MAILBOX, headers={"X-CSRF-Token": token or ""}).status_code == 403
    assert browser.get("/api/v1/mailboxes").json == {"items": []}


def test_a_page_of_another_site_cannot_act_even_with_the_token(api: Api) -> None:
    browser = _signed_in(api)
    token = _csrf(browser, "/reports")
    foreign = {"Origin": "https://evil.example", "X-CSRF-Token": token}
    own = {"Origin": "http://localhost", "X-CSRF-Token": token}
    assert browser.post("/api/v1/mailboxes", json=MAILBOX, headers=foreign).status_code == 403
    assert browser.post("/api/v1/mailboxes", json=MAILBOX, headers=own).status_code == 201


def test_the_token_of_a_visitor_is_no_good_in_a_session(api: Api) -> None:
    browser = api.browser()
    visitor = _csrf(browser, "/sign-in")
    assert browser.get_cookie("dmarq_visitor") is not None
    assert _sign_in(browser, ADMIN_TOKEN).status_code == 303
    assert browser.post("/sign-out", data={"csrf_token": visitor}).status_code == 403
    assert browser.post("/sign-out", data={"csrf_token": _csrf(browser, "/reports")}).status_code == 303


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example"])
def test_the_sign_in_leads_to_no_other_site(api: Api, target: str) -> None:
    answer = _sign_in(api.browser(), ADMIN_TOKEN, next=target)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(("host", "status"), [("evil.example", 421), ("localhost:8080", 303), ("192.0.2.1", 303)])
def test_a_foreign_host_name_gets_no_page(api: Api, host: str, status: int) -> None:
    assert api.browser().get("/", headers={"Host": host}).status_code == status


def test_browsers_are_told_to_run_nothing_that_is_not_ours(api: Api) -> None:
    answer = api.browser().get("/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_first_start_makes_a_token_and_shows_it_once(
    nats_url: str, migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = api_settings(nats_url=nats_url, database_url=migrated_url, admin_token=SecretStr(""))
    with running_api(settings) as api:
        printed = capsys.readouterr().out
        link = re.search(r"http://127\.0\.0\.1:8080/sign-in#(\S+)", printed)
        token = re.search(r"Admin token.*: (\S+)", printed)
        assert link is not None
        assert token is not None
        assert token[1] not in link[1]
        assert api.with_token(token[1])("GET", "/mailboxes").status_code == 200
        assert api.with_token(link[1])("GET", "/mailboxes").status_code == 401
        assert [_sign_in(api.browser(), link[1]).status_code for _ in range(2)] == [303, 401]
        assert _sign_in(api.browser(), token[1]).status_code == 303
        assert api.with_token("").browser().get("/api/v1/mailboxes").status_code == 401
    with running_api(settings):
        assert "sign-in#" not in capsys.readouterr().out


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80"])
def test_a_foreign_host_name_is_let_past_for_a_good_token_alone(api: Api, host: str) -> None:
    def status(authorization: str) -> int:
        headers = {"Host": host, "Authorization": authorization}
        return api.browser().get("/api/v1/mailboxes", headers=headers).status_code

    wrong = ("Bearer wrong", "Bearer dmarq_wrong", "Bearer", "Basic YWRtaW46YQ==", "Basic \xff", "x")
    assert [status(authorization) for authorization in wrong] == [421] * len(wrong)
    assert status(f"Bearer {ADMIN_TOKEN}") == 200


def test_wrong_tokens_are_counted_and_logged_without_themselves(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = "dmarq_wrong-wrong-wrong"
    assert [api.with_token(wrong)("GET", "/mailboxes").status_code for _ in range(11)] == [401] * 10 + [429]
    assert api("GET", "/mailboxes").status_code == 429
    told = capsys.readouterr().out
    assert "token_refused" in told
    assert wrong not in told
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert api("GET", "/mailboxes", environ_base=elsewhere).status_code == 200


def test_a_program_whose_token_was_right_is_not_kept_out_by_others_at_its_address(api: Api) -> None:
    assert api("GET", "/mailboxes").status_code == 200
    for _ in range(11):
        api.with_token("wrong")("GET", "/mailboxes")
    assert api("GET", "/mailboxes").status_code == 200


def test_addresses_of_one_ipv6_network_are_one_client(api: Api) -> None:
    def status(token: str, address: str) -> int:
        return api.with_token(token)("GET", "/mailboxes", environ_base={"REMOTE_ADDR": address}).status_code

    assert [status("wrong", f"2001:db8:1:2::{number:x}") for number in range(11)] == [401] * 10 + [429]
    assert status("wrong", "2001:db8:1:3::1") == 401


def test_guesses_from_everywhere_keep_nobody_out(api: Api) -> None:
    _set_password(api, "a long enough password")
    for number in range(220):
        elsewhere = {"REMOTE_ADDR": f"192.0.2.{number % 22}"}
        api.with_token("wrong")("GET", "/mailboxes", environ_base=elsewhere)
    browser = api.browser()
    assert _sign_in(browser, ADMIN_TOKEN).status_code == 303
    assert _sign_in(api.browser(), "a long enough password").status_code == 303


def test_setting_a_password_asks_for_the_present_one(api: Api) -> None:
    assert api("PUT", "/password", {"password": "a long enough password"}).status_code == 422
    other = api.with_token(_token(api, "admin"))
    for client in (api, other):
        answer = client("PUT", "/password", {"current": "wrong", "password": "a long enough password"})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "current")  # type: ignore[index]
    assert _sign_in(api.browser(), "a long enough password").status_code == 401
    assert _set_password(api, "a long enough password").status_code == 204
    assert _set_password(api, "another long password", current="a long enough password").status_code == 204
    assert _sign_in(api.browser(), "another long password").status_code == 303


def test_a_session_ends_with_the_password_that_began_it(api: Api) -> None:
    _set_password(api, "a long enough password")
    browser, other = api.browser(), api.browser()
    for each in (browser, other):
        assert _sign_in(each, "a long enough password").status_code == 303
    form = {
        "csrf_token": _csrf(browser, "/settings/access"),
        "current": "a long enough password",
        "password": "another long password",
        "again": "another long password",
    }
    assert browser.post("/settings/access/password", data=form).status_code == 303
    assert [each.get("/api/v1/mailboxes").status_code for each in (browser, other)] == [200, 401]
    assert _set_password(api, None).status_code == 204
    assert browser.get("/api/v1/mailboxes").status_code == 401


def test_a_session_ends_with_the_admin_token_that_began_it(settings: Settings) -> None:
    with running_api(settings) as api:
        browser = _signed_in(api)
        cookie = browser.get_cookie("dmarq_session")
        assert cookie is not None
    for token, status in ((ADMIN_TOKEN, 200), ("", 401), ("another-token-of-the-tests-83b1f0d6a2c94e75", 401)):
        with running_api(settings.model_copy(update={"admin_token": SecretStr(token)})) as api:
            browser = api.browser()
            browser.set_cookie("dmarq_session", cookie.value)
            assert browser.get("/api/v1/mailboxes").status_code == status, token


def test_a_sign_in_link_is_good_once_and_ends_with_the_token_that_made_it(api: Api) -> None:
    made = api("POST", "/tokens", {"name": "helper", "scope": "admin"}).json
    assert made is not None
    answer = api.with_token(made["token"])("POST", "/sign-in-links")
    assert answer.status_code == 201
    url = answer.json["url"]  # type: ignore[index]
    assert made["token"] not in url
    assert ADMIN_TOKEN not in url
    code = url.partition("#")[2]
    browser = api.browser()
    assert _sign_in(browser, code).status_code == 303
    assert _sign_in(api.browser(), code).status_code == 401
    assert browser.get("/api/v1/mailboxes").status_code == 200
    assert api("DELETE", f"/tokens/{made['id']}").status_code == 204
    assert browser.get("/api/v1/mailboxes").status_code == 401


def test_a_sign_in_link_is_over_after_a_while_and_is_no_token_and_no_password(api: Api) -> None:
    def code() -> str:
        return str(api("POST", "/sign-in-links").json["url"].partition("#")[2])  # type: ignore[index]

    assert api.with_token(code())("GET", "/mailboxes").status_code == 401
    assert _set_password(api, "a long enough password", current=code()).status_code == 422
    late = code()

    async def later() -> None:
        async with api.backend.database.connection() as connection:
            await connection.execute("UPDATE sign_in_code SET expires_at = now() - interval '1 second'")

    api.backend.run(later())
    assert _sign_in(api.browser(), late).status_code == 401
    assert api.with_token(_token(api, "operate"))("POST", "/sign-in-links").status_code == 403


def _set_password(api: Api, password: str | None, *, current: str = ADMIN_TOKEN) -> TestResponse:
    return api("PUT", "/password", {"current": current, "password": password})


def _token(api: Api, scope: str) -> str:
    made = api("POST", "/tokens", {"name": f"for {scope}", "scope": scope})
    assert made.json is not None
    return str(made.json["token"])


def _csrf(browser: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert found is not None
    return found[1]


def _sign_in(browser: FlaskClient, secret: str, **form: Any) -> Any:
    return browser.post("/sign-in", data={"secret": secret, "csrf_token": _csrf(browser, "/sign-in"), **form})


def _signed_in(api: Api) -> FlaskClient:
    browser = api.browser()
    assert _sign_in(browser, ADMIN_TOKEN).status_code == 303
    return browser


def test_the_api_describes_itself_on_a_page(api: Api) -> None:
    page = _signed_in(api).get("/api/v1/docs")
    assert page.status_code == 200
    assert "POST /api/v1/mailboxes/{mailbox_id}/test" in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
