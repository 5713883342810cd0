"""Signing in and staying so: tokens, passwords, links, and what ends a session."""

import re

import pytest
from pydantic import SecretStr

from pipeline.settings import Settings
from tests.support.config_api import Api, api_settings, running_api
from tests.support.services import ADMIN_TOKEN
from tests.support.signing_in import csrf_token, made_token, set_password, sign_in, signed_in


def test_the_admin_token_signs_in_and_the_cookie_is_kept_from_scripts_and_other_sites(api: Api) -> None:
    browser = api.browser()
    answer = sign_in(browser, ADMIN_TOKEN)
    assert answer.status_code == 303
    [cookie] = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("dmarq_session=")]
    assert {"HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert browser.get("/api/v1/mailboxes").status_code == 200


def test_behind_tls_the_cookie_stays_there(settings: Settings) -> None:
    with running_api(settings.model_copy(update={"public_url": "https://dmarq.example"})) as api:
        answer = sign_in(api.browser(), ADMIN_TOKEN)
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "Strict-Transport-Security" in answer.headers


def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(api: Api) -> None:
    browser = signed_in(api)
    kept = browser.get_cookie("dmarq_session")
    assert kept is not None
    assert browser.post("/sign-out", data={"csrf_token": csrf_token(browser, "/reports")}).status_code == 303
    browser.set_cookie("dmarq_session", kept.value)
    assert browser.get("/api/v1/mailboxes").status_code == 401


def test_a_password_signs_in_too_and_setting_it_signs_others_out(api: Api) -> None:
    other = signed_in(api)
    assert set_password(api, "short").status_code == 422
    assert set_password(api, "a long enough password").status_code == 204
    assert other.get("/api/v1/mailboxes").status_code == 401
    assert sign_in(api.browser(), "a long enough password").status_code == 303
    assert set_password(api, None).status_code == 204
    assert sign_in(api.browser(), "a long enough password").status_code == 401


def test_after_some_wrong_guesses_even_the_right_one_must_wait(api: Api) -> None:
    browser = api.browser()
    guesses = [sign_in(browser, "wrong").status_code for _ in range(11)]
    assert guesses == [401] * 10 + [429]
    answer = sign_in(browser, ADMIN_TOKEN)
    assert answer.status_code == 429


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example"])
def test_the_sign_in_leads_to_no_other_site(api: Api, target: str) -> None:
    answer = sign_in(api.browser(), ADMIN_TOKEN, next=target)
    assert answer.headers["Location"] == "/"


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
        assert [sign_in(api.browser(), link[1]).status_code for _ in range(2)] == [303, 401]
        assert sign_in(api.browser(), token[1]).status_code == 303
        assert api.with_token("").browser().get("/api/v1/mailboxes").status_code == 401
    with running_api(settings):
        assert "sign-in#" not in capsys.readouterr().out


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
    set_password(api, "a long enough password")
    for number in range(220):
        elsewhere = {"REMOTE_ADDR": f"192.0.2.{number % 22}"}
        api.with_token("wrong")("GET", "/mailboxes", environ_base=elsewhere)
    browser = api.browser()
    assert sign_in(browser, ADMIN_TOKEN).status_code == 303
    assert sign_in(api.browser(), "a long enough password").status_code == 303


def test_setting_a_password_asks_for_the_present_one(api: Api) -> None:
    assert api("PUT", "/password", {"password": "a long enough password"}).status_code == 422
    other = api.with_token(made_token(api, "admin"))
    for client in (api, other):
        answer = client("PUT", "/password", {"current": "wrong", "password": "a long enough password"})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "current")  # type: ignore[index]
    assert sign_in(api.browser(), "a long enough password").status_code == 401
    assert set_password(api, "a long enough password").status_code == 204
    assert set_password(api, "another long password", current="a long enough password").status_code == 204
    assert sign_in(api.browser(), "another long password").status_code == 303


def test_a_session_ends_with_the_password_that_began_it(api: Api) -> None:
    set_password(api, "a long enough password")
    browser, other = api.browser(), api.browser()
    for each in (browser, other):
        assert sign_in(each, "a long enough password").status_code == 303
    form = {
        "csrf_token": csrf_token(browser, "/account"),
        "current": "a long enough password",
        "password": "another long password",
        "again": "another long password",
    }
    assert browser.post("/account/password", data=form).status_code == 303
    assert [each.get("/api/v1/mailboxes").status_code for each in (browser, other)] == [200, 401]
    assert set_password(api, None).status_code == 204
    assert browser.get("/api/v1/mailboxes").status_code == 401


def test_a_session_ends_with_the_admin_token_that_began_it(settings: Settings) -> None:
    with running_api(settings) as api:
        browser = signed_in(api)
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
    assert sign_in(browser, code).status_code == 303
    again = sign_in(api.browser(), code)
    assert again.status_code == 401
    assert "This link was used already or is over" in again.text
    assert browser.get("/api/v1/mailboxes").status_code == 200
    assert api("DELETE", f"/tokens/{made['id']}").status_code == 204
    assert browser.get("/api/v1/mailboxes").status_code == 401


def test_a_sign_in_link_is_over_after_a_while_and_is_no_token_and_no_password(api: Api) -> None:
    def code() -> str:
        return str(api("POST", "/sign-in-links").json["url"].partition("#")[2])  # type: ignore[index]

    assert api.with_token(code())("GET", "/mailboxes").status_code == 401
    assert set_password(api, "a long enough password", current=code()).status_code == 422
    late = code()

    async def later() -> None:
        async with api.backend.database.connection() as connection:
            await connection.execute("UPDATE sign_in_code SET expires_at = now() - interval '1 second'")

    api.backend.run(later())
    over = sign_in(api.browser(), late)
    assert over.status_code == 401
    assert "dmarq sign-in-link" in over.text
    assert api.with_token(made_token(api, "operate"))("POST", "/sign-in-links").status_code == 403
