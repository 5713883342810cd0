"""Signing in with an OpenID Connect provider: one that others use, and one that sends what it should not."""

import gzip
import json
import socket
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientTimeout
from flask.testing import FlaskClient
from joserfc.jws import serialize_compact
from pydantic import SecretStr

from config_api.access.limiter import PER_CLIENT
from config_api.access.oidc.provider import AT_ONCE, IN_LINE, MAX_BYTES
from pipeline.settings import Settings
from tests.support.config_api import Api, running_api
from tests.support.oidc.impostor import KEY, OTHER_KEY, Impostor, running_impostor
from tests.support.oidc.program import CLIENT_ID, CLIENT_SECRET, running_provider, signed_in_at
from tests.support.people import add_user, audited, browser_of
from tests.support.services import ADMIN_TOKEN
from tests.support.signing_in import sign_in

CALLBACK = "/sign-in/provider/callback"
ODD_HEADER = urlsafe_b64encode(b'{"alg": "RS256", "crit": 1}').rstrip(b"=").decode()
ID_TOKEN_OF_ODD_TYPES = json.dumps({"id_token": f"{ODD_HEADER}.e30.AAAA"}).encode()
ID_TOKEN_TOO_DEEP = json.dumps({"id_token": serialize_compact({"alg": "RS256"}, b"[" * 5000, KEY)}).encode()
GROUPS = {"oidc_roles": "admins=admin, staff=viewer"}


def with_provider(settings: Settings, issuer: str, **more: Any) -> Settings:
    secret = SecretStr(CLIENT_SECRET)
    wanted = {"oidc_issuer": issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": secret, **more}
    return settings.model_copy(update=wanted)


def begun(browser: FlaskClient, query: str = "") -> str:
    """The address at the provider."""
    answer = browser.get(f"/sign-in/provider{query}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def session_of(browser: FlaskClient) -> bool:
    return browser.get("/account").status_code == 200


@pytest.fixture(scope="module")
def provider(node: str) -> Iterator[str]:
    with running_provider(node) as issuer:
        yield issuer


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    with running_impostor() as running:
        yield running


def came_back(api: Api, impostor: Impostor, *, sent: dict[str, str] | None = None) -> tuple[FlaskClient, Any]:
    """A browser that went to the impostor and back, and what it was answered."""
    browser = api.browser()
    query = parse_qs(urlsplit(begun(browser)).query)
    impostor.nonce = query["nonce"][0]
    back = {"state": query["state"][0], "code": "a-code", **(sent or {})}
    return browser, browser.get(CALLBACK, query_string=back)


def test_a_real_provider_signs_in_and_its_groups_say_the_role_each_time(settings: Settings, provider: str) -> None:
    with running_api(with_provider(settings, provider, oidc_name="Example ID", **GROUPS)) as api:
        assert "Sign in with Example ID" in api.browser().get("/sign-in").text
        for login, role, path in (("alice@example.com", "viewer", "/reports"), ("root@example.com", "admin", "/mails")):
            browser = api.browser()
            answer = browser.get(CALLBACK, query_string=signed_in_at(begun(browser, f"?next={path}"), login))
            assert (answer.status_code, answer.headers.get("Location")) == (303, path), answer.text
            assert browser.get_cookie("dmarq_provider") is None
            [user] = [user for user in api("GET", "/users").json["items"] if user["name"] == login]  # type: ignore[index]
            assert (user["role"], user["has_password"], user["has_provider"]) == (role, False, True)
            assert browser.get("/api/v1/users").status_code == (200 if role == "admin" else 403)
        api("PATCH", f"/users/{user['id']}", {"role": "operator"})
        again = api.browser()
        assert again.get(CALLBACK, query_string=signed_in_at(begun(again), "root@example.com")).status_code == 303
        assert again.get("/api/v1/users").status_code == 200
        assert {line["action"] for line in audited(api, "?who=root@example.com")} >= {"user_added", "signed_in"}


def test_a_real_provider_binds_a_viewer_to_domains_and_a_stranger_is_refused(settings: Settings, provider: str) -> None:
    with running_api(with_provider(settings, provider, oidc_domains_claim="domains", **GROUPS)) as api:
        browser = api.browser()
        assert browser.get(CALLBACK, query_string=signed_in_at(begun(browser), "alice@example.com")).status_code == 303
        assert "example.com" in browser.get("/account").text
        assert browser.get("/settings/mailboxes").status_code == 403
        stranger = api.browser()
        refused = stranger.get(CALLBACK, query_string=signed_in_at(begun(stranger), "mallory@example.com"))
        assert (refused.status_code, "no group of yours" in refused.text) == (403, True)
        assert not session_of(stranger)


def test_the_request_asks_with_pkce_state_and_nonce_and_the_verifier_fits(
    settings: Settings, impostor: Impostor
) -> None:
    with running_api(with_provider(settings, impostor.issuer, oidc_default_role="viewer")) as api:
        asked = [parse_qs(urlsplit(begun(api.browser())).query) for _ in range(2)]
        assert {each["code_challenge_method"][0] for each in asked} == {"S256"}
        for name in ("state", "nonce", "code_challenge"):
            assert len({each[name][0] for each in asked} | {""}) == 3, name
        browser, answer = came_back(api, impostor)
        assert answer.status_code == 303
        assert session_of(browser)
        assert len(impostor.asked[-1]["code_verifier"]) >= 43


@pytest.mark.parametrize(
    "bent",
    [
        {"claims": {"iss": "https://elsewhere.example"}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"aud": ["dmarq", "another-client"]}},
        {"claims": {"azp": "another-client"}},
        {"claims": {"exp": 1_600_000_000}},
        {"claims": {"iat": 4_000_000_000, "nbf": 4_000_000_000}},
        {"claims": {"nonce": "of another sign-in"}},
        {"claims": {"sub": 7}},
        {"claims": {"sub": ""}},
        {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
        {"claims": {"exp": "tomorrow"}},
        {"without": ("nonce",)},
        {"without": ("exp",)},
        {"without": ("aud",)},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
        {"header": {"kid": "of no key"}},
        {"key": OTHER_KEY},
        {"answers": {"/token": (200, {}, b'{"access_token": "x"}')}},
        {"answers": {"/token": (200, {}, b'{"id_token": "a.b.c"}')}},
        {"answers": {"/token": (200, {}, ID_TOKEN_OF_ODD_TYPES)}},
        {"answers": {"/token": (200, {}, ID_TOKEN_TOO_DEEP)}},
    ],
)
def test_an_id_token_that_does_not_fit_signs_nobody_in(api: Api, bent: dict[str, Any]) -> None:
    settings = api.backend.settings
    with running_impostor() as impostor:
        wanted = with_provider(settings, impostor.issuer, oidc_default_role="admin")
        vars(impostor).update(bent)
        with running_api(wanted) as own:
            browser, answer = came_back(own, impostor)
            assert answer.status_code == 403, answer.text
            assert "does not fit" in answer.text
            assert not session_of(browser)
            assert own("GET", "/users").json == {"items": []}


@pytest.mark.parametrize(
    ("path", "odd"),
    [
        ("/token", (500, {}, b"oops")),
        ("/token", (302, {"Location": "http://127.0.0.1:1/"}, b"")),
        ("/token", (200, {}, b"[" * 100_000)),
        ("/token", (200, {}, b"x" * (MAX_BYTES + 1))),
        ("/keys", (200, {}, b'{"keys": 7}')),
        ("/.well-known/openid-configuration", (200, {}, b'{"issuer": "https://elsewhere.example"}')),
    ],
)
def test_a_provider_that_answers_oddly_is_told_of_and_nobody_comes_in(
    settings: Settings, impostor: Impostor, path: str, odd: tuple[int, dict[str, str], bytes]
) -> None:
    impostor.answers[path] = odd
    with running_api(with_provider(settings, impostor.issuer, oidc_default_role="admin")) as api:
        browser = api.browser()
        answer = browser.get("/sign-in/provider")
        if answer.status_code == 303:
            _, answer = came_back(api, impostor)
        assert answer.status_code in (403, 503)
        assert "Sign in with" in answer.text
        assert not session_of(browser)


def test_an_answer_that_is_compressed_unasked_is_not_unpacked(settings: Settings, impostor: Impostor) -> None:
    impostor.answers["/token"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"id_token": "a.b.c"}'))
    with running_api(with_provider(settings, impostor.issuer)) as api:
        _, answer = came_back(api, impostor)
        assert (answer.status_code, "compressed unasked" in answer.text) == (503, True)


def test_a_page_that_sends_browsers_back_without_a_sign_in_does_not_lock_them_out(
    settings: Settings, impostor: Impostor
) -> None:
    with running_api(with_provider(settings, impostor.issuer)) as api:
        assert {api.browser().get(f"{CALLBACK}?state=x&code=x").status_code for _ in range(2 * PER_CLIENT)} == {403}
        assert sign_in(api.browser(), ADMIN_TOKEN).status_code == 303


def test_those_who_wait_for_a_silent_provider_are_few(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config_api.access.oidc.provider.TIMEOUT", ClientTimeout(total=2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with running_api(with_provider(settings, issuer)) as api, ThreadPoolExecutor(30) as pool:
            answers = [pool.submit(api.browser().get, "/sign-in/provider") for _ in range(30)]
            texts = [each.result().text for each in answers]
    refused_at_once = sum("Too many sign-ins" in text for text in texts)
    assert refused_at_once >= 30 - AT_ONCE - IN_LINE
    assert sum("does not answer" in text for text in texts) >= AT_ONCE


def test_a_provider_whose_addresses_are_none_is_told_of(settings: Settings, impostor: Impostor) -> None:
    impostor.metadata = {"token_endpoint": "http://[x"}
    with running_api(with_provider(settings, impostor.issuer)) as api:
        answer = api.browser().get("/sign-in/provider")
        assert (answer.status_code, "cannot be used" in answer.text) == (503, True)


@pytest.mark.parametrize("claims", [{"preferred_username": "Admin"}, {"sub": "admin"}, {"email": "admin"}])
def test_nobody_of_a_provider_becomes_the_user_whose_password_the_admin_token_sets(
    settings: Settings, impostor: Impostor, claims: dict[str, str]
) -> None:
    impostor.claims, impostor.without = claims, () if "email" in claims else ("email",)
    if "email" in claims:
        impostor.claims = {**claims, "preferred_username": "admin"}
    with running_api(with_provider(settings, impostor.issuer, oidc_default_role="viewer")) as api:
        _, answer = came_back(api, impostor)
        assert (answer.status_code, "name admin is not for" in answer.text) == (403, True)
        assert api("GET", "/users").json == {"items": []}


def test_an_answer_that_was_not_asked_for_signs_nobody_in(settings: Settings, impostor: Impostor) -> None:
    with running_api(with_provider(settings, impostor.issuer, oidc_default_role="admin")) as api:
        other, _ = came_back(api, impostor, sent={"state": "of another sign-in"})
        assert not session_of(other)
        stranger = api.browser()  # without the cookie of a sign-in that was begun here
        assert stranger.get(CALLBACK, query_string={"state": "x", "code": "x"}).status_code == 403
        _, denied = came_back(api, impostor, sent={"error": "access_denied"})
        assert "did not sign you in" in denied.text
        _, mixed_up = came_back(api, impostor, sent={"iss": "https://elsewhere.example"})  # RFC 9207
        assert mixed_up.status_code == 403
        impostor.user_info = {"sub": "somebody else", "email": "root@example.com", "email_verified": True}
        impostor.without = ("email",)
        browser, answer = came_back(api, impostor)
        assert answer.status_code == 403
        assert not session_of(browser)


def test_who_is_not_added_beforehand_is_refused_where_users_are_not_made(
    settings: Settings, impostor: Impostor
) -> None:
    with running_api(with_provider(settings, impostor.issuer, oidc_create_users=False)) as api:
        _, answer = came_back(api, impostor)
        assert "Ask an administrator to add one" in answer.text
        assert api("POST", "/users", {"name": "Someone@example.com", "role": "operator"}).status_code == 201
        impostor.claims = {"email_verified": False}
        assert came_back(api, impostor)[1].status_code == 403
        impostor.claims = {}
        browser, answer = came_back(api, impostor)
        assert answer.status_code == 303
        impostor.claims = {"sub": "an impostor of the same address"}
        assert came_back(api, impostor)[1].status_code == 403
        user = api("GET", "/users").json["items"][0]  # type: ignore[index]
        assert (user["role"], user["has_provider"]) == ("operator", True)
        assert api("PATCH", f"/users/{user['id']}", {"disabled": True}).status_code == 200
        assert not session_of(browser)
        impostor.claims = {}
        assert "disabled" in came_back(api, impostor)[1].text


def test_a_provider_does_not_take_over_a_user_with_a_password(settings: Settings, impostor: Impostor) -> None:
    with running_api(with_provider(settings, impostor.issuer, oidc_default_role="viewer")) as api:
        add_user(api, "someone@example.com", "admin")
        _, answer = came_back(api, impostor)
        assert (answer.status_code, "name is taken" in answer.text) == (403, True)


def test_passwords_can_be_switched_off_but_for_the_link_of_the_command_line(
    settings: Settings, impostor: Impostor
) -> None:
    with running_api(settings) as api:
        add_user(api, "alice", "admin")
    with running_api(with_provider(settings, impostor.issuer, password_sign_in=False)) as api:
        page = api.browser().get("/sign-in").text
        assert "User name" not in page
        for name, secret in (("alice", "correct horse battery staple"), ("", ADMIN_TOKEN)):
            assert sign_in(api.browser(), secret, name=name).status_code == 401
        code = api("POST", "/sign-in-links").json["url"].partition("#")[2]  # type: ignore[index]
        browser = api.browser()
        assert sign_in(browser, code).status_code == 303
        assert session_of(browser)
    with running_api(settings.model_copy(update={"password_sign_in": False})) as api:  # without a provider it counts
        assert session_of(browser_of(api, "alice"))


def test_without_a_provider_there_is_no_way_to_one(api: Api) -> None:
    assert api.browser().get("/sign-in/provider").status_code == 404
    assert api.browser().get(CALLBACK).status_code == 404
