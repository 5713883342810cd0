"""A domain's DNS: asked by a fetcher when told to, and daily by the parser; kept with its history."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html import unescape
from typing import Any

import pytest

from fetcher.dns_requests import answering_dns
from parser.sources.lookups import TIMEOUT, ask_domains, ask_hosts
from parser.upkeep import fold
from pipeline.contracts.topology import DNS_SUBJECT, HOSTS_SUBJECT
from pipeline.jetstream.requests import serving
from tests.support.config_api import Api
from tests.support.dns_server import Zone, running_dns
from tests.support.extracted import extracted
from tests.support.sending import ALL, NO_STOP, report
from tests.support.services import ADMIN_TOKEN
from tests.support.stored import store

DMARC = "v=DMARC1; p=quarantine; rua=mailto:a@example.com"
ZONE: Zone = {
    "_dmarc.example.com": {"TXT": [f'"{DMARC}"']},
    "example.com": {"TXT": ['"v=spf1 include:spf.example -all"']},
    "spf.example": {"TXT": ['"v=spf1 a mx -all"']},
    "s1._domainkey.example.com": {"TXT": ['"v=DKIM1; p="']},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mail.example.com."]},
    "mail.example.com": {"A": ["192.0.2.1"]},
    "66.2.0.192.in-addr.arpa": {"PTR": ["mail.example.com."]},
}


@contextmanager
def fetcher_of(api: Api, zone: Zone) -> Iterator[Any]:
    """A fetcher that answers, by a name server on loopback."""
    server = running_dns(zone)
    running = api.backend.run(server.__aenter__())
    answering = answering_dns(api.backend.bus, f"127.0.0.1:{running.port}")
    api.backend.run(answering.__aenter__())
    try:
        yield running
    finally:
        api.backend.run(answering.__aexit__(None, None, None))
        api.backend.run(server.__aexit__(None, None, None))


@pytest.fixture
def known(api: Api) -> Api:
    store(api.backend, extracted(1, report(*ALL)))
    api.backend.run(_folded(api))
    return api


async def _folded(api: Api) -> None:
    await fold(api.backend.database, NO_STOP)


async def _rows(api: Api, query: str, *values: Any) -> list[dict[str, Any]]:
    async with api.backend.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query, *values)]


def told(api: Api, *request: Any) -> dict[str, Any]:
    """The answer's JSON."""
    return dict(api(*request).json or {})


def records(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in answer["latest"]["records"]}


def test_a_domain_is_asked_for_when_told_to_and_what_changes_becomes_history(known: Api) -> None:
    before = told(known, "GET", "/domains/example.com/dns")
    zone = dict(ZONE)
    with fetcher_of(known, zone):
        first = told(known, "POST", "/domains/Example.com/dns", {})
        again = told(known, "POST", "/domains/example.com/dns", {})
        zone["_dmarc.example.com"] = {"TXT": [f'"{DMARC.replace("quarantine", "reject")}"']}
        changed = told(known, "POST", "/domains/example.com/dns", {})

    unknown: dict[str, object] = {"asked_at": None, "problem": None, "differences": [], "latest": None, "history": []}
    assert before == {"domain": "example.com", **unknown}
    assert records(first)["_dmarc.example.com"]["records"] == [DMARC]
    assert records(first)["example.com"]["lookups"] == 3
    assert records(first)["s1._domainkey.example.com"]["text"] == "the key was revoked (p is empty)"
    assert again["history"] == []
    assert "reject" in records(changed)["_dmarc.example.com"]["text"]
    assert [period["records"][0]["records"] for period in changed["history"]] == [[DMARC]]
    assert told(known, "GET", "/domains/example.com/dns") == changed


def test_the_page_says_when_nobody_asks_by_itself(known: Api) -> None:
    known.backend.settings = known.backend.settings.model_copy(update={"dns_hours": 0.0})
    browser = known.browser()
    browser.post("/sign-in", data={"secret": ADMIN_TOKEN, "csrf_token": _token(browser.get("/sign-in").text)})
    shown = browser.get("/domains/example.com").text

    assert "switched off here (DMARQ_DNS_HOURS=0)" in shown
    assert "once a day" not in shown


def test_the_button_of_the_page_asks_and_shows_what_was_found_but_only_with_the_page_s_token(known: Api) -> None:
    browser = known.browser()
    browser.post("/sign-in", data={"secret": ADMIN_TOKEN, "csrf_token": _token(browser.get("/sign-in").text)})
    before = browser.get("/domains/example.com").text
    with fetcher_of(known, ZONE) as server:
        refused = browser.post("/domains/example.com/dns")
        browser.get("/domains/example.com")
        asked_by_pages = list(server.asked)
        pressed = browser.post("/domains/example.com/dns", data={"csrf_token": _token(before)})
    after = browser.get(pressed.location).text

    assert "DNS was not asked about this domain yet" in before
    assert (refused.status_code, asked_by_pages) == (403, [])
    assert (pressed.status_code, pressed.location) == (303, "/domains/example.com?note=dns-asked")
    assert DMARC in unescape(after)
    assert "the key was revoked (p is empty)" in after


def _token(page: str) -> str:
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


def test_readiness_goes_by_the_policy_that_dns_shows(known: Api) -> None:
    by_reports = told(known, "GET", "/domains/example.com/readiness")
    with fetcher_of(known, ZONE):
        known("POST", "/domains/example.com/dns", {})
    known.backend.recent = type(known.backend.recent)()
    by_dns = told(known, "GET", "/domains/example.com/readiness")

    assert (by_reports["policy"], by_reports["policy_from"]) == ("none", "reports")
    assert (by_dns["policy"], by_dns["policy_from"]) == ("quarantine", "dns")


def test_what_dns_does_not_answer_stays_as_it_was(known: Api) -> None:
    with fetcher_of(known, ZONE) as server:
        known("POST", "/domains/example.com/dns", {})
        server.failing = {"example.com", "_dmarc.example.com"}
        partly = told(known, "POST", "/domains/example.com/dns", {})
        server.failing = {name for name in (*ZONE, "_smtp._tls.example.com", "_mta-sts.example.com")}
        server.failing |= {"default._bimi.example.com"}
        away = told(known, "POST", "/domains/example.com/dns", {})

    assert records(partly)["example.com"]["lookups"] == 3
    assert (partly["problem"], partly["history"]) == (None, [])
    assert away["problem"] == "DNS does not answer (the name server failed)"
    assert away["latest"] == partly["latest"]


def test_without_a_fetcher_it_is_told(known: Api) -> None:
    answer = known("POST", "/domains/example.com/dns", {})

    assert answer.status_code == 503
    assert "fetcher" in answer.text


def test_a_domain_that_no_report_speaks_of_is_not_asked_for(known: Api) -> None:
    assert known("POST", "/domains/example.org/dns", {}).status_code == 404
    assert known("GET", "/domains/example.org/dns").status_code == 404


def test_the_parser_has_each_domain_asked_for_once_a_day(known: Api) -> None:
    back = known.backend
    with fetcher_of(known, ZONE) as server:
        for _ in range(2):
            back.run(ask_domains(back.database, back.bus, hours=24, stopping=asyncio.Event()))
        once = server.asked.count("_dmarc.example.com TXT")
        back.run(_rows(known, "UPDATE domain_dns_asked SET asked_at = now() - interval '25 hours'"))
        back.run(ask_domains(back.database, back.bus, hours=24, stopping=asyncio.Event()))

    assert server.asked.count("_dmarc.example.com TXT") == 2 * once
    assert records(told(known, "GET", "/domains/example.com/dns"))["_dmarc.example.com"]["records"] == [DMARC]


def test_without_a_fetcher_the_parser_asks_again_an_hour_later(known: Api) -> None:
    back = known.backend
    back.run(ask_domains(back.database, back.bus, hours=24, stopping=asyncio.Event()))
    unanswered = told(known, "GET", "/domains/example.com/dns")
    back.run(_rows(known, "UPDATE domain_dns_asked SET asked_at = now() - interval '61 minutes'"))
    with fetcher_of(known, ZONE):
        back.run(ask_domains(back.database, back.bus, hours=24, stopping=asyncio.Event()))

    assert (unanswered["problem"], unanswered["latest"]) == ("no fetcher is running", None)
    assert told(known, "GET", "/domains/example.com/dns")["problem"] is None


def test_a_parser_that_is_told_to_stop_does_not_wait_for_dns(known: Api) -> None:
    back = known.backend

    async def stop_while_it_is_asked() -> None:
        for work in (
            partial(ask_domains, back.database, back.bus, hours=24),
            partial(ask_hosts, back.database, back.bus),
        ):
            asked, stopping = asyncio.Event(), asyncio.Event()

            async def ask_for_ever(_: bytes, asked: asyncio.Event = asked) -> bytes:
                asked.set()
                return await asyncio.Future()

            async with (
                serving(back.bus.client, DNS_SUBJECT, ask_for_ever),
                serving(back.bus.client, HOSTS_SUBJECT, ask_for_ever),
                asyncio.timeout(TIMEOUT / 2),
            ):
                working = asyncio.create_task(work(stopping=stopping))
                await asked.wait()
                stopping.set()
                await working

    back.run(_rows(known, "UPDATE source SET last_day = current_date"))
    back.run(stop_while_it_is_asked())
    assert told(known, "GET", "/domains/example.com/dns")["problem"] == "not answered yet"


def test_sources_get_the_host_names_that_lead_back_to_them(known: Api) -> None:
    back = known.backend
    back.run(_rows(known, "UPDATE source SET last_day = current_date, named_with = 'before'"))
    with fetcher_of(known, ZONE) as server:
        for _ in range(2):
            back.run(ask_hosts(back.database, back.bus, asyncio.Event()))
    rows = back.run(_rows(known, "SELECT host(source_ip) AS ip, host, named_with FROM source ORDER BY source_ip"))

    assert {row["ip"]: row["host"] for row in rows} == {
        "192.0.2.1": "mail.example.com",
        "192.0.2.10": None,
        "192.0.2.20": None,
        "192.0.2.66": None,
    }
    assert [row["named_with"] for row in rows] == [None, "before", "before", "before"]
    assert server.asked.count("1.2.0.192.in-addr.arpa PTR") == 1


def test_where_reports_saw_another_policy_than_dns_has_the_domain_says_so(known: Api) -> None:
    with fetcher_of(known, ZONE):
        told(known, "POST", "/domains/example.com/dns", {})
    assert told(known, "GET", "/domains/example.com/dns")["differences"] == []  # these reports are from before
    days_ago = "UPDATE domain_dns SET first_at = '2023-11-10'"
    known.backend.run(_rows(known, f"{days_ago} RETURNING id"))
    mails = [extracted(number, report(*ALL, number=number)) for number in (2, 3)]
    store(known.backend, *mails)

    found = told(known, "GET", "/domains/example.com/dns")["differences"]
    assert found[0] == "DNS has p=quarantine, and 3 of 3 reports since then say p=none"


def test_a_policy_that_changed_under_the_same_id_is_noticed(known: Api) -> None:
    query = "SELECT dns_question('example.com') -> 'sts' AS seen"
    assert known.backend.run(_rows(known, query))[0]["seen"] is None
    keep = """SELECT keep_domain_dns('example.com', '[
        {"kind": "mta_sts", "name": "a", "records": ["v=STSv1; id=1"], "verdict": "ok", "text": ""},
        {"kind": "mta_sts_policy", "name": "b", "records": ["version: STSv1"], "verdict": "ok", "text": ""}]', '')"""
    known.backend.run(_rows(known, keep))

    seen = known.backend.run(_rows(known, query))[0]["seen"]
    assert seen == {"record": "v=STSv1; id=1", "policy": "version: STSv1"}
