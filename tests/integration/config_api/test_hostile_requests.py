"""Requests that nobody sends who means well: refused as every other wrong one is, never a fault of ours."""

import pytest

from tests.support.config_api import Api

METHODS = (
    ("GET", ""), ("GET", "/activity"), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/fetch"),
    ("POST", "/backfill"), ("POST", "/pause"), ("POST", "/resume"),
)  # fmt: skip
IDS = ("%00", "main%00", "main%0A", "%ff", "MAIN", "a" * 64)
PATHS = ("/mailboxes", "/mailboxes/test", "/dead-letters/retry", "/tokens")
TOO_DEEP = ("[" * 100_000, '{"name":' * 100_000, '{"name":' + "[" * 100_000 + "]" * 100_000 + "}")
HEADERS = {"Content-Type": "application/json", "If-Match": "*"}


def test_what_is_no_id_is_no_mailbox(api: Api) -> None:
    for mailbox_id in IDS:
        for method, path in METHODS:
            json: dict[str, str] | None = None if method == "GET" else {}
            answer = api(method, f"/mailboxes/{mailbox_id}{path}", json, headers={"If-Match": "*"})
            assert answer.status_code == 404, (method, path, mailbox_id)


def test_a_path_with_nul_leads_nowhere(api: Api) -> None:
    for path in ("/domains/%00", "/domains/a%00/dns", "/domains/%00/readiness", "/sources/%00", "/mails/%00"):
        assert api("GET", path).status_code == 404, path
    assert api("DELETE", "/services/%00/standing").status_code == 404
    assert api("POST", "/domains/%00/dns", {}).status_code == 404


def test_json_that_is_too_deep_to_read_is_refused(api: Api) -> None:
    for path in PATHS:
        assert [api("POST", path, data=text, headers=HEADERS).status_code for text in TOO_DEEP] == [400] * 3, path


@pytest.mark.parametrize("depth", [200, 400, 700])
def test_json_that_is_deep_and_can_be_read_is_no_mailbox(api: Api, depth: int) -> None:
    api.add_mailbox(id="main")
    for value in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        answer = api("PATCH", "/mailboxes/main", data=f'{{"name":{value}}}', headers=HEADERS)
        assert answer.status_code == 422
