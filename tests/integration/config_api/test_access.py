import pytest

from tests.support.config_api import MAILBOX, Api
from tests.support.services import ADMIN_TOKEN
from tests.support.signing_in import csrf_token, made_token, set_password, sign_in, signed_in

READ = ("/mailboxes", "/activity", "/runs", "/logs", "/mails", "/reports", "/summary", "/dead-letters")
OPERATE = ("/mailboxes/main/pause", "/mailboxes/main/resume", "/dead-letters/1/retry", "/mailboxes/main/test")


@pytest.mark.parametrize("path", [*READ, "/openapi.json", "/tokens", "/events/stream", "/mailboxes/main"])
def test_without_a_token_nothing_is_served(unchanged_api: Api, path: str) -> None:
    answer = unchanged_api.browser().get(f"/api/v1{path}")
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path", ["/", "/overview/sources", "/reports", "/settings/mailboxes", "/settings/logs", "/dead-letters"]
)
def test_without_a_session_every_page_leads_to_the_sign_in(unchanged_api: Api, path: str) -> None:
    answer = unchanged_api.browser().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=")


def test_health_is_open_and_metrics_are_not(api: Api) -> None:
    browser = api.browser()
    assert browser.get("/healthz").json == {"status": "ok"}
    assert browser.get("/readyz").json == {"status": "ready", "missing": []}
    assert browser.get("/metrics").status_code == 401
    metrics = browser.get("/metrics", headers={"Authorization": f"Bearer {made_token(api, 'read')}"})
    assert "dmarq_dependency_up" in metrics.text


@pytest.mark.parametrize("wrong", ["Bearer nonsense", "Bearer dmarq_nonsense", "Bearer ", "Basic YWRtaW46YQ==", "x"])
def test_a_wrong_token_is_no_token(unchanged_api: Api, wrong: str) -> None:
    answer = unchanged_api.browser().get("/api/v1/mailboxes", headers={"Authorization": wrong})
    assert answer.status_code == 401


def test_a_token_can_do_what_its_scope_says_and_no_more(api: Api) -> None:
    api.add_mailbox(id="main")
    read, operate = (api.with_token(made_token(api, scope)) for scope in ("read", "operate"))
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
    token = made_token(api, "admin")
    cookie = signed_in(api)
    set_password(api, "a long enough password")
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


@pytest.mark.parametrize("token", ["", "wrong", None])
def test_a_form_without_the_right_csrf_token_does_nothing(api: Api, token: str | None) -> None:
    browser = signed_in(api)
    form = {} if token is None else {"csrf_token": token}
    assert browser.post("/sign-out", data=form).status_code == 403
    assert browser.post("/api/v1/mailboxes", json=MAILBOX, headers={"X-CSRF-Token": token or ""}).status_code == 403
    assert browser.get("/api/v1/mailboxes").json == {"items": [], "enabled": True}


def test_a_page_of_another_site_cannot_act_even_with_the_token(api: Api) -> None:
    browser = signed_in(api)
    token = csrf_token(browser, "/reports")
    foreign = {"Origin": "https://evil.example", "X-CSRF-Token": token}
    own = {"Origin": "http://localhost", "X-CSRF-Token": token}
    assert browser.post("/api/v1/mailboxes", json=MAILBOX, headers=foreign).status_code == 403
    assert browser.post("/api/v1/mailboxes", json=MAILBOX, headers=own).status_code == 201


def test_the_token_of_a_visitor_is_no_good_in_a_session(api: Api) -> None:
    browser = api.browser()
    visitor = csrf_token(browser, "/sign-in")
    assert browser.get_cookie("dmarq_visitor") is not None
    assert sign_in(browser, ADMIN_TOKEN).status_code == 303
    assert browser.post("/sign-out", data={"csrf_token": visitor}).status_code == 403
    assert browser.post("/sign-out", data={"csrf_token": csrf_token(browser, "/reports")}).status_code == 303


@pytest.mark.parametrize(("host", "status"), [("evil.example", 421), ("localhost:8080", 303), ("192.0.2.1", 303)])
def test_a_foreign_host_name_gets_no_page(unchanged_api: Api, host: str, status: int) -> None:
    assert unchanged_api.browser().get("/", headers={"Host": host}).status_code == status


def test_browsers_are_told_to_run_nothing_that_is_not_ours(unchanged_api: Api) -> None:
    answer = unchanged_api.browser().get("/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80"])
def test_a_foreign_host_name_is_let_past_for_a_good_token_alone(api: Api, host: str) -> None:
    def status(authorization: str) -> int:
        headers = {"Host": host, "Authorization": authorization}
        return api.browser().get("/api/v1/mailboxes", headers=headers).status_code

    wrong = ("Bearer wrong", "Bearer dmarq_wrong", "Bearer", "Basic YWRtaW46YQ==", "Basic \xff", "x")
    assert [status(authorization) for authorization in wrong] == [421] * len(wrong)
    assert status(f"Bearer {ADMIN_TOKEN}") == 200


def test_the_api_describes_itself_on_a_page(api: Api) -> None:
    page = signed_in(api).get("/api/v1/docs")
    assert page.status_code == 200
    assert "POST /api/v1/mailboxes/{mailbox_id}/test" in page.text
    assert "Every POST takes an <code>Idempotency-Key</code>" in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
