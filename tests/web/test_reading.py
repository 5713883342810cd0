import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.web.sites import Site
from tests.web.stored_facts import DOMAINS


async def test_the_overview_shows_messages_over_time_as_a_picture_and_as_a_table(reader: Page) -> None:
    await reader.goto("/?days=7")
    chart = reader.get_by_role("img", name="Messages over time")
    assert await chart.locator("g.slot").count() == 7
    assert "messages" in (await chart.locator("g.slot").first.get_attribute("data-told") or "")
    await reader.get_by_text("Show as table").click()
    await expect(reader.get_by_role("table", name="Messages over time").locator("tbody tr")).to_have_count(7)


async def test_the_period_is_chosen_or_typed(reader: Page) -> None:
    await reader.goto("/")
    await reader.get_by_role("link", name="90 days").click()
    await expect(reader.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
    await reader.locator("#own-period summary").click()
    await reader.get_by_label("From").fill("2020-01-01")
    await reader.get_by_label("To", exact=True).fill("2020-01-31")
    await reader.get_by_role("button", name="Show").click()
    await expect(reader.get_by_role("heading", name="No reports in this period")).to_be_visible()


async def test_a_domain_leads_to_its_own_page(reader: Page) -> None:
    await reader.goto("/?days=90")
    await (
        reader.get_by_role("table", name="Messages and pass rate by domain")
        .get_by_role("link", name=DOMAINS[2])
        .click()
    )
    await expect(reader.get_by_role("heading", level=1)).to_have_text(DOMAINS[2])
    await expect(reader.get_by_role("heading", name="Ready for quarantine, for reject?")).to_be_visible()


async def test_reports_are_found_filtered_sorted_and_paged(reader: Page) -> None:
    await reader.goto("/reports")
    await expect(reader.locator("#reports tbody tr")).to_have_count(25)
    await reader.get_by_role("link", name="Next page").click()
    await expect(reader.get_by_role("link", name="Previous page")).to_be_visible()
    await reader.goto("/reports")
    await reader.get_by_label("Domain").fill(DOMAINS[2])
    await reader.get_by_role("button", name="Filter").click()
    assert set(await reader.locator("#reports td[data-label=Domain]").all_inner_texts()) == {DOMAINS[2]}
    await reader.get_by_role("columnheader", name="Messages").get_by_role("link").click()
    counts = [int(text.replace(",", "")) for text in await reader.locator("td[data-label=Messages]").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    await reader.get_by_label("Search").fill("no such thing anywhere")
    await reader.get_by_role("button", name="Filter").click()
    await expect(reader.get_by_role("heading", name="No report matches")).to_be_visible()


async def test_reports_are_exported_with_the_filter_of_the_page(reader: Page) -> None:
    await reader.goto(f"/reports?domain={DOMAINS[2]}")
    async with reader.expect_download() as starting:
        await reader.get_by_role("link", name="Export CSV").click()
    file = Path(await (await starting.value).path())
    lines = (await asyncio.to_thread(file.read_text)).splitlines()
    assert len(lines) > 50
    assert all(DOMAINS[2] in line for line in lines[1:])


async def test_the_export_as_json_has_no_bound_of_its_own(reader: Page) -> None:
    await reader.goto(f"/reports?domain={DOMAINS[2]}")
    link = await reader.get_by_role("link", name="Export JSON").get_attribute("href")
    assert link == f"/api/v1/reports?domain={DOMAINS[2]}&format=json"


@pytest.mark.parametrize(
    "path",
    [
        "/reports?since=1000-01-01",
        "/reports?until=9999-12-31",
        "/reports?since=0001-01-01&until=0001-01-01",
        "/?since=0001-01-01&until=0001-01-02",
        "/?since=9999-12-30&until=9999-12-31",
        "/?since=2026-01-01&until=9999-12-31",
        "/?since=8999-12-30&until=9000-12-31",
    ],
)
async def test_days_that_no_calendar_of_ours_has_are_no_fault_of_the_server(reader: Page, path: str) -> None:
    answer = await reader.goto(path)
    assert answer is not None
    assert answer.status == 200


async def test_a_report_shows_its_policy_its_records_and_leads_to_its_mail(reader: Page) -> None:
    await reader.goto("/reports")
    await reader.locator("#reports tbody th a").first.click()
    await expect(reader.get_by_role("heading", name="Published policy")).to_be_visible()
    rows = reader.get_by_role("table", name="Records of the report").locator("tbody tr")
    await expect(rows).to_have_count(3)
    await reader.get_by_label("Search").fill("198.51.100.7")
    await reader.get_by_role("button", name="Filter").click()
    assert await rows.count() <= 1
    async with reader.expect_download() as starting:
        await reader.get_by_role("link", name="Download original").click()
    file = Path(await (await starting.value).path())
    assert await asyncio.to_thread(file.read_bytes) == b"<feedback/>"
    await reader.get_by_role("link", name="Mail it came in").click()
    await expect(reader.get_by_role("heading", name="Trace")).to_be_visible()
    await expect(reader.locator(".timeline")).to_contain_text("Moved to Processed: done.")


async def test_a_tls_report_shows_its_failures(reader: Page) -> None:
    await reader.goto("/reports?kind=tls")
    await reader.locator("#reports tbody th a").first.click()
    await expect(reader.get_by_role("table", name="Failures of this policy")).to_contain_text("certificate expired")


async def test_a_failed_mail_says_why(reader: Page) -> None:
    await reader.goto("/mails")
    await reader.get_by_role("link", name="Failed").click()
    await expect(reader.locator("#mails tbody tr")).to_have_count(1)
    await reader.locator("#mails tbody th a").click()
    await expect(reader.get_by_role("table", name="Parts of the email")).to_contain_text(
        "The data expands more than any honest report does"
    )


async def test_the_imap_log_is_narrowed_by_mailbox_level_and_time(reader: Page, filled: Site) -> None:
    await reader.goto("/settings/logs")
    await reader.get_by_label("Level").select_option("warning")
    await reader.get_by_role("button", name="Filter").click()
    await expect(reader.get_by_role("heading", name="Nothing matches")).to_be_visible()
    await reader.goto("/settings/logs?span=60&mailbox_id=dmarc-reports")
    assert await reader.locator(".log-line").count() == 6
    await reader.get_by_label("Level").select_option("All levels")
    await reader.get_by_role("button", name="Filter").click()
    assert await reader.locator(".log-line").count() == 7
    await expect(reader.locator(".log-line").last).to_contain_text("imap.example.com")
