"""A domain's page shows what DNS said when it was asked, how that changed, and has it asked again by a button."""

import json
from typing import Any

import asyncpg
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.web.sites import PHONE, Site, keep
from tests.web.stored_facts import HOSTILE, fill

POLICY = "v=DMARC1; p=quarantine; rua=mailto:a@example.com"
PAGE = "/domains/example.com"


def found(policy: str) -> list[dict[str, Any]]:
    """The records of example.com with this policy."""
    return [
        {
            "kind": "dmarc",
            "name": "_dmarc.example.com",
            "records": [policy],
            "verdict": "ok",
            "text": "the policy is what it is",
        },
        {
            "kind": "spf",
            "name": "example.com",
            "records": [f"v=spf1 {HOSTILE} +all"],
            "verdict": "wrong",
            "text": f"the whole internet may send {HOSTILE}",
            "remedy": "end the record with -all",
            "lookups": 0,
        },
        {"kind": "bimi", "name": "default._bimi.example.com", "verdict": "advice", "text": "no logo is published"},
    ]


@pytest_asyncio.fixture(loop_scope="session")
async def site(empty: Site) -> Site:
    """A site of the test's own with some weeks of reports."""
    await fill(empty.database_url)
    return empty


async def _told(site: Site, policies: list[str], *, problem: str = "") -> None:
    """DNS said these in turn; at last it did not answer, for this reason, if any."""
    connection = await asyncpg.connect(site.database_url)
    answers = [*((json.dumps(found(policy)), "") for policy in policies), *([("[]", problem)] if problem else [])]
    for answer, why_not in answers:
        await connection.execute("SELECT keep_domain_dns('example.com', $1::jsonb, $2)", answer, why_not)
    await connection.close()


async def _findings(page: Page) -> list[str]:
    results = await Axe().run(page)
    return [one["id"] for one in results.response["violations"] if one["impact"] in ("serious", "critical")]


async def test_the_page_shows_each_record_its_verdict_what_to_do_and_what_changed(keeper: Page, site: Site) -> None:
    await _told(site, [POLICY, POLICY.replace("quarantine", "reject")])
    await keeper.goto(PAGE)
    panel = keeper.locator("#dns")
    rows = panel.get_by_role("table", name="The domain's records in DNS").locator("tbody tr")
    await expect(rows).to_have_count(3)
    await expect(rows.nth(0)).to_contain_text("p=reject")
    await expect(rows.nth(1)).to_contain_text("Wrong")
    await expect(rows.nth(1)).to_contain_text(f"the whole internet may send {HOSTILE}")
    await expect(rows.nth(1)).to_contain_text("end the record with -all")
    await expect(rows.nth(2)).to_contain_text("no record")
    await expect(keeper.locator("main img")).to_have_count(0)
    await panel.get_by_text("What changed").click()
    changed = panel.locator("#dns-history tbody tr")
    await expect(changed).to_have_count(1)
    await expect(changed).to_contain_text("p=quarantine")
    await expect(changed).to_contain_text("p=reject")
    await expect(keeper.locator("#readiness")).to_contain_text("reject; as DNS has it")
    await expect(keeper.locator("#readiness")).to_contain_text("sent as example.com and failed")
    await keep(keeper, "domain-dns")
    assert await _findings(keeper) == []
    await keeper.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await keep(keeper, "domain-dns-phone")
    assert await _findings(keeper) == []
    assert await keeper.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


async def test_dns_that_did_not_answer_is_told_beside_what_it_said_before(keeper: Page, site: Site) -> None:
    await _told(site, [POLICY], problem="DNS does not answer (the name server failed)")
    await keeper.goto(PAGE)
    panel = keeper.locator("#dns")
    await expect(panel).to_contain_text("nothing could be learned: DNS does not answer (the name server failed).")
    await expect(panel).to_contain_text("p=quarantine")


async def test_the_button_without_a_fetcher_says_what_is_missing(keeper: Page, site: Site) -> None:
    await keeper.goto(PAGE)
    await expect(keeper.locator("#dns")).to_contain_text("DNS was not asked about this domain yet")
    await expect(keeper.locator("#readiness")).to_contain_text("as the latest report has it")
    await keeper.get_by_role("button", name="Ask DNS now").click()
    await expect(keeper.get_by_role("status")).to_contain_text("No fetcher is running")
