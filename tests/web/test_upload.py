"""Files are uploaded in the browser, each with what became of it."""

import asyncio

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.support.archives import gzip_bomb
from tests.support.reports import report_xml
from tests.web.sites import Site, keep, visiting

REPORT = FilePayload(name="receiver.example!example.com!1!2.xml", mimeType="text/xml", buffer=report_xml().encode())
BOMB = FilePayload(name="bomb.xml.gz", mimeType="application/gzip", buffer=gzip_bomb(60_000_000))
EMPTY = FilePayload(name="empty.xml", mimeType="text/xml", buffer=b"")
LETTER = FilePayload(name="letter.eml", mimeType="message/rfc822", buffer=b"Subject: lunch?\r\n\r\nAt noon.\r\n")


@pytest.mark.timeout(240)
async def test_each_uploaded_file_is_told_what_became_of_it(browser: Browser, whole: Site) -> None:
    async with visiting(browser, whole) as page:
        await page.goto("/upload")
        await page.get_by_label("Drop files here").set_input_files([REPORT, BOMB, EMPTY, LETTER])

        lines = page.locator("#uploaded > li")
        await expect(lines).to_have_count(4)
        await expect(lines.nth(0)).to_contain_text("Imported")
        await expect(lines.nth(0)).to_contain_text("Example Receiver about example.com")
        await expect(lines.nth(1)).to_contain_text("Failed")
        await expect(lines.nth(2)).to_contain_text("The file is empty")
        await expect(lines.nth(3)).to_contain_text("Not a report")
        await keep(page, "uploaded")

        await page.get_by_label("Drop files here").set_input_files([REPORT])
        await expect(lines.nth(4)).to_contain_text("Imported")
        assert len(whole.api("GET", "/reports")["items"]) == 1

        await page.goto("/attention")
        await expect(page.get_by_role("link", name="Needs attention")).to_contain_text("1")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator("tbody tr")).to_contain_text("Uploaded files")
        await keep(page, "attention-of-an-upload")


async def test_a_file_that_is_dropped_is_sent(keeper: Page, empty: Site) -> None:
    await keeper.goto("/upload")
    transfer = await keeper.evaluate_handle(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["Subject: x\\r\\n\\r\\ny"], "x.eml"));
            return data;
        }"""
    )
    await keeper.dispatch_event("[data-upload]", "drop", {"dataTransfer": transfer})
    await expect(keeper.locator("#uploaded > li")).to_contain_text("it is being read")
    assert await asyncio.to_thread(empty.api, "GET", "/mails") == {
        "items": [],
        "next_cursor": None,
        "previous_cursor": None,
        "total": None,
    }
