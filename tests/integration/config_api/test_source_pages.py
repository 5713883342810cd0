"""The pages of sources and domains, and what a person decides there, on reports that the parser stored and judged."""

import re
from html import unescape
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config_api.backend.recent import Recent
from parser.sources.data import NamingData, NamingFiles
from tests.support.config_api import Api
from tests.support.extracted import extracted
from tests.support.sending import ALL, record, report, settle, signed
from tests.support.services import ADMIN_TOKEN
from tests.support.stored import store

HOSTILE = '<b>"owned"</b>'


@pytest.fixture
def filled(api: Api) -> Api:
    store(api.backend, extracted(1, report(*ALL)))
    _settle(api)
    return api


def _settle(api: Api) -> None:
    """What the parser does behind storing is done, and answers that were kept have run out."""
    api.backend.recent = Recent()
    api.backend.run(settle(api.backend.database, NamingData(NamingFiles())), timeout=60)


@pytest.fixture
def reader(filled: Api) -> FlaskClient:
    browser = filled.browser()
    browser.post("/sign-in", data={"secret": ADMIN_TOKEN, "csrf_token": _token(browser.get("/sign-in"))})
    return browser


def _token(page: TestResponse) -> str:
    return page.text.partition('name="csrf_token" value="')[2].partition('"')[0]


def _text(page: TestResponse) -> str:
    """What somebody reads, with single spaces."""
    assert page.status_code == 200
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)))


def _rows(page: TestResponse) -> list[str]:
    assert page.status_code == 200
    heads = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', page.text, re.DOTALL)
    return [unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", head))).split(" ")[1] for head in heads]


def test_services_that_fail_come_first_and_lead_to_their_own_pages(reader: FlaskClient) -> None:
    page = reader.get("/sources")
    assert _rows(page) == ["Twilio", "Not"]
    assert 'href="/sources/services/twilio-sendgrid"' in page.text
    assert "Yours, failing" in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("by=address", ["192.0.2.10", "192.0.2.66", "192.0.2.20", "192.0.2.1"]),
        ("by=address&sort=-failed", ["192.0.2.10", "192.0.2.66", "192.0.2.1", "192.0.2.20"]),
        ("by=address&domain=example.com&result=passing", ["192.0.2.20", "192.0.2.1"]),
        ("verdict=failing", ["192.0.2.66"]),
        ("q=192.0.2.6", ["192.0.2.66"]),
        ("service=twilio-sendgrid", ["192.0.2.10"]),
        ("by=service&verdict=failing", ["Not"]),
        ("by=service&q=sendgrid", ["Twilio"]),
        ("by=service&domain=example.org", []),
        ("by=service&since=2023-11-14&until=2023-11-14&whole=yes", ["Twilio", "Not"]),
        ("by=service&since=2023-11-15&until=2023-11-16&whole=yes", []),
        ("by=network", ["Network"]),
    ],
)
def test_the_list_is_grouped_filtered_and_sorted(reader: FlaskClient, query: str, found: list[str]) -> None:
    assert _rows(reader.get(f"/sources?{query}")) == found


def test_a_service_has_its_days_and_each_day_leads_to_its_addresses(reader: FlaskClient) -> None:
    page = reader.get("/sources/services/twilio-sendgrid?whole=yes&domain=example.com")
    assert "2,310, 0 in the 30 days before" in _text(page)
    [leads_to] = re.findall(r'<th scope="row"><a href="([^"]*)" aria-label="14 Nov 2023">', page.text)
    assert _rows(reader.get(unescape(leads_to) + "&whole=yes")) == ["192.0.2.10"]
    days = reader.get("/sources/services/twilio-sendgrid/days?since=2023-11-15&until=2023-11-20")
    assert "0 messages in all" in _text(days)
    assert "The last 90 days are shown" in _text(reader.get("/sources/services/twilio-sendgrid?since=x"))


def test_a_list_is_exported_as_it_is_shown(reader: FlaskClient) -> None:
    page = reader.get("/sources?by=service&sort=-messages&verdict=failing")
    [link] = re.findall(r'href="([^"]*)" download="services.csv"', page.text)
    lines = reader.get(unescape(link)).text.splitlines()
    assert [line.split(",")[3] for line in lines] == ["verdict", "failing"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/sources?since=2000-01-01&until=2023-01-01", "That period is too long"),
        ("/sources?since=x", "The first day is missing"),
        ("/sources?verdict=x", "The filter verdict has a value that makes no sense"),
        ("/sources?asn=x&standing=y", "The filter asn, standing has a value"),
        ("/domains/example.com?since=2000-01-01&until=2023-01-01", "That period is too long"),
        ("/domains/example.com?days=99999", "That period is too long"),
        ("/sources/192.0.2.10?since=2000-01-01&until=2023-01-01", "That period is too long"),
        ("/?days=99999", "That period is too long: 99999 days were asked for"),
        ("/?since=1990-01-01&until=2026-01-01", "That period is too long"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(reader: FlaskClient, path: str, text: str) -> None:
    assert text in _text(reader.get(path))


def test_a_refused_period_shows_no_figures_of_another_one(reader: FlaskClient) -> None:
    page = reader.get("/?days=99999")
    assert 'class="panel figures"' not in page.text
    assert _rows(reader.get("/sources?since=2000-01-01&until=2023-01-01")) == []


def test_the_overview_says_in_words_how_the_period_before_was(filled: Api, reader: FlaskClient) -> None:
    first = _text(reader.get("/?since=2023-11-14&until=2023-11-14"))
    store(filled.backend, extracted(2, report(*ALL, number=2, day=1)))
    later = _text(reader.get("/?since=2023-11-15&until=2023-11-15"))

    assert first.count("no messages in the period before") == 2
    assert "– before" not in first
    assert "3,750 in the period before (+0%)" in later
    assert "was 14.4% in the period before" in later
    assert "0 before" not in first + later


def test_a_source_shows_why_what_to_do_and_its_records(reader: FlaskClient) -> None:
    text = _text(reader.get("/sources/192.0.2.10"))
    for said in (
        "Twilio SendGrid sent 2,310 messages as example.com",
        "no valid DKIM signature of example.com",
        "set up domain authentication for example.com at Twilio SendGrid",
        "u1.wl.sendgrid.net",
        "Example Receiver",
    ):
        assert said in text
    assert "No record matches" in _text(reader.get("/sources/192.0.2.1?failing=yes"))
    assert "No record matches" in _text(reader.get("/sources/192.0.2.1?since=2023-11-01&until=2023-11-02"))


@pytest.mark.parametrize("path", ["/sources/192.0.2.99", "/sources/x", "/sources/services/x", "/domains/example.net"])
def test_what_is_not_there_is_said(reader: FlaskClient, path: str) -> None:
    assert reader.get(path).status_code == 404


@pytest.mark.parametrize("target", ["192.0.2.66", "services/twilio-sendgrid"])
def test_a_decision_is_kept_shown_judged_by_and_taken_back(filled: Api, reader: FlaskClient, target: str) -> None:
    path = f"/sources/{target}"
    form = {"csrf_token": _token(reader.get(path)), "decision": "ignore", "note": HOSTILE, "domain": "example.com"}
    answer = reader.post(f"{path}/decision", data=form)
    assert (answer.status_code, answer.location) == (303, f"{path}?note=decided")
    page = reader.get(answer.location)
    assert "Saved." in page.text
    assert HOSTILE not in page.text
    assert "Ignore for example.com, said by admin on" in _text(page)
    assert HOSTILE in _text(page)
    _settle(filled)
    assert _rows(reader.get("/sources?by=address&standing=ignore")) == [
        "192.0.2.66" if target == "192.0.2.66" else "192.0.2.10"
    ]
    assert "Ignored" in _text(reader.get(path))
    answer = reader.post(f"{path}/decision", data={**form, "decision": "none"})
    assert "said by admin" not in _text(reader.get(answer.location))
    assert reader.post(f"{path}/decision", data={**form, "decision": "none"}).status_code == 303


@pytest.mark.parametrize(
    ("change", "status"),
    [({"csrf_token": "x"}, 403), ({"decision": "x"}, 422), ({"domain": "x" * 254}, 422), ({}, 303)],
)
def test_only_a_form_of_ours_decides(reader: FlaskClient, change: dict[str, str], status: int) -> None:
    form = {"csrf_token": _token(reader.get("/sources/192.0.2.66")), "decision": "ours"} | change
    assert reader.post("/sources/192.0.2.66/decision", data=form).status_code == status


def test_a_domain_says_what_stands_in_its_way(reader: FlaskClient) -> None:
    text = _text(reader.get("/domains/example.com?whole=yes"))
    for said in (
        "Not ready for quarantine",
        "Do first: wait: reports of 1 day; 14 are needed",
        "2,310 messages of yours",
        "p=none",
        "news.example.com",
        "set up domain authentication for example.com at Twilio SendGrid",
    ):
        assert said in text
    assert text.index("Ready for quarantine") < text.index("What passed") < text.index("Policy as published")


def test_domains_are_listed_and_found(reader: FlaskClient) -> None:
    assert _rows(reader.get("/domains")) == ["example.com"]
    assert _rows(reader.get("/domains?q=EXAMPLE")) == ["example.com"]
    assert "No domain matches" in _text(reader.get("/domains?q=other"))


def test_old_reports_are_found_from_the_overview(reader: FlaskClient) -> None:
    page = reader.get("/?days=30")
    assert "No reports in this period" in page.text
    assert "here are of 14 Nov 2023" in _text(page)
    assert "may take a day" not in page.text
    link = unescape(re.findall(r'href="(/\?since=[^"]+)"', page.text)[0])
    assert "Twilio SendGrid" in _text(reader.get(link))
    assert "Messages over time" in _text(reader.get("/?days=all"))


def test_the_overview_begins_with_what_needs_attention(reader: FlaskClient) -> None:
    text = _text(reader.get("/?days=all&whole=yes"))
    said = "Twilio SendGrid sends for you as example.com, and 2,310 of 2,310 messages fail."
    assert said in text
    assert text.index(said) < text.index("Passed DMARC") < text.index("Messages over time")
    assert said in _text(reader.get("/overview/attention"))


def test_names_that_others_chose_are_text_and_bounded(api: Api, reader: FlaskClient) -> None:
    domain = quote(f"{'x' * 200}.example", safe="")
    named = record("192.0.2.77", 30, auth=signed(f"{'y' * 150}.test", selector="&lt;script&gt;"))
    store(api.backend, extracted(2, report(named, number=2, org=f"&lt;script&gt;{'z' * 3000}")))
    _settle(api)
    for path in ("/", "/?days=all&whole=yes", "/sources?by=address", "/sources/192.0.2.77", "/domains/example.com"):
        assert "<script>" not in reader.get(path).text, path
    assert reader.get(f"/domains/{domain}").status_code == 404
