"""Sources, services, domains, readiness and changes, as a program asks for them."""

from typing import Any

import pytest

from parser.sources.chores import MANY, Many
from parser.sources.data import NamingData, NamingFiles
from tests.support.config_api import Api
from tests.support.extracted import extracted
from tests.support.sending import ALL, OWN, SPOOFER, record, report, settle
from tests.support.stored import store

DAYS = range(16)
REPORTERS = ("One", "Two", "Three")


ALL_KEPT = Many(took_ms=0, sources=-1)


def settled(api: Api, many: Many = MANY) -> None:
    api.backend.run(settle(api.backend.database, NamingData(NamingFiles()), many), timeout=60)


def fill(api: Api, *records: str) -> None:
    mails = [
        extracted(100 * day + at, report(*records, number=100 * day + at, day=day, org=org))
        for day in DAYS
        for at, org in enumerate(REPORTERS, 1)
    ]
    store(api.backend, *mails)
    settled(api)


@pytest.fixture
def filled(api: Api) -> Api:
    store(api.backend, extracted(1, report(*ALL)))
    settled(api)
    return api


def told(api: Api, path: str, method: str = "GET", json: Any = None) -> dict[str, Any]:
    answer = api(method, path, json)
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def items(api: Api, path: str) -> list[dict[str, Any]]:
    return list(told(api, path)["items"])


def addresses(api: Api, path: str) -> list[str]:
    return [row["source_ip"] for row in items(api, path)]


BY_ATTENTION = ["192.0.2.10", "192.0.2.66", "192.0.2.20", "192.0.2.1"]


def test_sources_that_need_attention_come_first(filled: Api) -> None:
    rows = items(filled, "/sources")
    assert [row["source_ip"] for row in rows] == BY_ATTENTION
    assert [row["verdict"] for row in rows] == ["misaligned", "failing", "forwarded", "aligned"]
    assert (rows[0]["service_name"], rows[0]["kind"], rows[0]["failed"]) == ("Twilio SendGrid", "esp", 2310)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("domain=EXAMPLE.com", BY_ATTENTION),
        ("domain=example.org", []),
        ("service=twilio-sendgrid", ["192.0.2.10"]),
        ("verdict=aligned", ["192.0.2.1"]),
        ("result=failing", ["192.0.2.10", "192.0.2.66"]),
        ("result=passing", ["192.0.2.20", "192.0.2.1"]),
        ("standing=ours", []),
        ("change=new", []),
        ("q=192.0.2.6", ["192.0.2.66"]),
        ("q=sendgrid", ["192.0.2.10"]),
        ("sort=-messages", ["192.0.2.10", "192.0.2.66", "192.0.2.1", "192.0.2.20"]),
        ("sort=-failed", ["192.0.2.10", "192.0.2.66", "192.0.2.1", "192.0.2.20"]),
        ("sort=-last_day", ["192.0.2.10", "192.0.2.66", "192.0.2.1", "192.0.2.20"]),
        ("since=2023-11-14&until=2023-11-14", BY_ATTENTION),
        ("since=2023-11-15&until=2023-11-20", []),
    ],
)
def test_sources_are_filtered_and_sorted(filled: Api, query: str, found: list[str]) -> None:
    assert addresses(filled, f"/sources?{query}") == found


@pytest.mark.parametrize(
    "query", ["sort=attention", "sort=-messages", "sort=-failed", "sort=-last_day", "since=2023-11-01&until=2023-12-01"]
)
def test_pages_have_every_source_once(filled: Api, query: str) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        answer = told(filled, f"/sources?limit=1&{query}{cursor}")
        seen += [row["source_ip"] for row in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert seen == addresses(filled, f"/sources?{query}")


@pytest.mark.parametrize(
    "query",
    [
        "since=2023-11-14", "since=2023-12-01&until=2023-11-01", "since=2000-01-01&until=2023-11-01", "sort=x",
        "verdict=x", "cursor=x", "cursor=WzEsMiwibm8gYWRkcmVzcyIsInkiXQ", "domain=%00", "unknown=1",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(filled: Api, query: str) -> None:
    assert filled("GET", f"/sources?{query}").status_code == 422


def test_sources_come_as_a_file(filled: Api) -> None:
    lines = filled("GET", "/sources?format=csv&limit=1").text.splitlines()
    assert len(lines) == 5
    assert lines[1].startswith("example.com,192.0.2.10,twilio-sendgrid,Twilio SendGrid,esp,misaligned,")


def test_an_address_is_shown_with_its_evidence(filled: Api) -> None:
    source = told(filled, "/sources/192.0.2.10")
    judged = source["domains"][0]
    assert judged["evidence"][0] == "Twilio SendGrid sent 2,310 messages as example.com"
    assert "SPF passes for u1.wl.sendgrid.net" in judged["evidence"]
    assert judged["link"].startswith("https://")
    assert {(one["mechanism"], one["name"]) for one in source["identities"]} == {
        ("dkim", "sendgrid.net"), ("spf", "u1.wl.sendgrid.net")
    }  # fmt: skip
    assert [(day["day"], day["messages"]) for day in source["days"]] == [("2023-11-14", 2310)]


def test_rows_that_name_an_address_are_found(filled: Api) -> None:
    rows = items(filled, "/sources/192.0.2.66/records")
    assert [(row["org_name"], row["count"]) for row in rows] == [("Example Receiver", 900)]
    assert items(filled, "/sources/192.0.2.66/records?domain=example.org") == []


@pytest.mark.parametrize("address", ["192.0.2.200", "no-address", "fe80::1%25eth0", "0.0.0.0%2F0", "x" * 3000])
def test_an_address_that_never_sent_is_not_found(filled: Api, address: str) -> None:
    for path in (f"/sources/{address}", f"/sources/{address}/records"):
        assert filled("GET", path).status_code == 404


def test_services_are_summed_and_fails_come_first(filled: Api) -> None:
    services = items(filled, "/services")
    assert [(one["key"], one["verdict"], one["addresses"], one["failed"]) for one in services] == [
        ("twilio-sendgrid", "misaligned", 1, 2310),
        ("", "failing", 3, 900),
    ]
    assert [one["key"] for one in items(filled, "/networks?domain=example.com")] == [""]


@pytest.mark.parametrize("by", ["services", "networks"])
@pytest.mark.parametrize(
    "narrowed", ["", "domain=example.com", "domain=example.org", "verdict=failing", "result=passing"]
)
def test_groups_that_are_kept_are_those_that_would_be_added_up(filled: Api, by: str, narrowed: str) -> None:
    added_up = items(filled, f"/{by}?{narrowed}")
    settled(filled, ALL_KEPT)
    assert items(filled, f"/{by}?{narrowed}") == added_up
    assert told(filled, "/services/twilio-sendgrid")["sums"]["failed"] == 2310


def test_groups_are_sorted_paged_and_exported(filled: Api) -> None:
    for sort, keys in {"-messages": ["twilio-sendgrid", ""], "-addresses": ["", "twilio-sendgrid"]}.items():
        first = told(filled, f"/services?sort={sort}&limit=1")
        then = told(filled, f"/services?sort={sort}&limit=1&cursor={first['next_cursor']}")
        assert [one["key"] for one in (*first["items"], *then["items"])] == keys
        assert then["next_cursor"] is None
    lines = filled("GET", "/services?format=csv&sort=-addresses&limit=1").text.splitlines()
    assert [line.split(",")[0] for line in lines] == ["key", "", "twilio-sendgrid"]
    assert told(filled, "/networks?format=json")["items"] == items(filled, "/networks")
    assert filled("GET", "/services?cursor=x").status_code == 422


@pytest.mark.parametrize("many", [MANY, ALL_KEPT])
def test_groups_follow_decisions(filled: Api, many: Many) -> None:
    settled(filled, many)
    told(filled, "/services/twilio-sendgrid/standing", "PUT", {"standing": "ignore"})
    settled(filled, many)
    assert [(one["key"], one["verdict"]) for one in items(filled, "/services")] == [
        ("", "failing"),
        ("twilio-sendgrid", "ignored"),
    ]


def test_a_service_tells_its_sums_and_its_days(filled: Api) -> None:
    service = told(filled, "/services/twilio-sendgrid?domain=example.com")
    assert (service["name"], service["sums"]["failed"]) == ("Twilio SendGrid", 2310)
    assert [(day["day"], day["messages"], day["passed"]) for day in service["days"]] == [("2023-11-14", 2310, 0)]
    silent = told(filled, "/services/twilio-sendgrid?domain=example.org")
    assert (silent["sums"], silent["days"]) == (None, [])
    assert filled("GET", "/services/nobody").status_code == 404


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.", BY_ATTENTION),
        ("SENDGRID", ["192.0.2.10"]),
        ("ample.com", BY_ATTENTION),
        ("%25", []),
        ("1_2", []),
        ("192%5C", []),
        ("nothing-like-it", []),
    ],
)
def test_sources_are_found_by_a_text_in_their_names(filled: Api, text: str, found: list[str]) -> None:
    assert addresses(filled, f"/sources?q={text}") == found


def test_a_text_in_the_names_of_very_many_finds_the_same(filled: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config_api.sources.filters.FEW", 1)
    assert addresses(filled, "/sources?q=192.0.2.") == BY_ATTENTION
    assert addresses(filled, "/sources?q=192.0.2.6") == ["192.0.2.66"]
    assert [one["key"] for one in items(filled, "/services?q=192.0.2.")] == ["twilio-sendgrid", ""]


def test_what_a_person_says_is_kept_told_and_obeyed(filled: Api) -> None:
    decision = {"standing": "ours", "note": "the old printer"}
    said = told(filled, "/sources/192.0.2.66/standing", "PUT", decision)
    assert (said["standing"], said["domain"]) == ("ours", "")
    settled(filled)
    row = items(filled, "/sources?standing=ours")[0]
    assert (row["source_ip"], row["verdict"]) == ("192.0.2.66", "misaligned")
    lines = [line["text"] for line in items(filled, "/logs?source=settings")]
    assert any("192.0.2.66 is ours: the old printer" in line for line in lines)
    assert filled("DELETE", "/sources/192.0.2.66/standing").status_code == 204
    assert filled("DELETE", "/sources/192.0.2.66/standing").status_code == 404
    assert items(filled, "/standings") == []


def test_a_service_may_be_ours_for_one_domain(filled: Api) -> None:
    path = "/services/twilio-sendgrid/standing"
    assert told(filled, path, "PUT", {"standing": "not_ours", "domain": "Example.com"})["domain"] == "example.com"
    settled(filled)
    assert addresses(filled, "/sources?verdict=failing") == ["192.0.2.10", "192.0.2.66"]
    assert filled("DELETE", f"{path}?domain=example.com").status_code == 204
    assert filled("PUT", "/services/nobody/standing", {"standing": "ours"}).status_code == 404


def test_domains_have_their_sums_and_verdicts(filled: Api) -> None:
    (domain,) = items(filled, "/domains")
    assert (domain["domain"], domain["messages"], domain["failed"], domain["p"]) == ("example.com", 3750, 3210, "none")
    assert [one["verdict"] for one in domain["verdicts"]] == ["misaligned", "failing", "forwarded", "aligned"]
    assert items(filled, "/domains?q=nothing") == []
    assert "example.com" in filled("GET", "/domains?format=csv").text


def test_a_domain_tells_its_days_its_names_and_its_reporters(filled: Api) -> None:
    domain = told(filled, "/domains/Example.COM")
    (day,) = domain["days"]
    assert (day["dkim"], day["spf"], day["both"], day["neither"]) == (540, 500, 500, 3210)
    assert [(name["name"], name["addresses"]) for name in domain["from_domains"]] == [("news.example.com", 1)]
    assert [(name["name"], name["selector"]) for name in domain["selectors"]] == [("example.com", "s1")]
    assert [one["org_name"] for one in domain["reporters"]] == ["Example Receiver"]
    assert [one["p"] for one in domain["policies"]] == ["none"]
    assert filled("GET", "/domains/example.org").status_code == 404


def test_readiness_waits_for_enough_reports(filled: Api) -> None:
    answer = told(filled, "/domains/example.com/readiness")
    assert [target["ready"] for target in answer["targets"]] == [False, False]
    assert answer["first"] == "wait: reports of 1 day; 14 are needed"
    assert [one["name"] for one in answer["in_the_way"]] == ["Twilio SendGrid"]
    assert (answer["yours"], answer["lost"], answer["spoofed"]) == (2850, 2310, 900)


def test_a_domain_whose_mail_passes_is_ready_whatever_is_spoofed(api: Api) -> None:
    fill(api, OWN, SPOOFER)
    answer = told(api, "/domains/example.com/readiness")
    assert (answer["days"], answer["reporters"], answer["lost"]) == (16, 3, 0)
    assert [target["ready"] for target in answer["targets"]] == [True, True]
    assert answer["next_record"] == "v=DMARC1; p=quarantine; np=reject; t=y"


def test_what_changed_is_told_since_then(api: Api) -> None:
    fill(api, OWN)
    store(api.backend, extracted(9000, report(OWN, record("192.0.2.99", 50), number=9000, day=15)))
    settled(api)
    changes = items(api, "/changes")
    assert [(one["source_ip"], one["changes"]) for one in changes] == [("192.0.2.99", ["new"])]
    assert items(api, "/changes?change=silent") == []
    assert items(api, "/changes?since=2999-01-01T00:00:00Z") == []
    assert "192.0.2.99" in api("GET", "/changes?format=csv").text
