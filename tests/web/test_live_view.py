"""Pages that show what happens by themselves, in more tabs than a browser opens connections for."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.web.sites import Site, visiting

TABS = 8  # browsers open six connections to a host
LOOK = """
  let hidden = false;
  Object.defineProperty(document, "hidden", { get: () => hidden });
  window.look = (at) => { hidden = !at; document.dispatchEvent(new Event("visibilitychange")); };
"""
ACCOUNT = {"name": "Reports", "host": "imap.example.com", "username": "dmarc@example.com", "password": "x" * 12}


@pytest_asyncio.fixture(loop_scope="session")
async def first(browser: Browser, empty: Site) -> AsyncIterator[Page]:
    """A tab whose being looked at the test decides on: for the browser that tests drive, every tab is in sight."""
    async with visiting(browser, empty) as page:
        await page.context.add_init_script(LOOK)
        await page.goto("/settings/mailboxes")
        yield page


async def test_many_open_tabs_leave_the_site_within_reach_and_are_up_to_date_when_looked_at(
    first: Page, empty: Site
) -> None:
    await first.evaluate("look(false)")
    for _ in range(TABS):
        tab = await first.context.new_page()
        await tab.goto("/settings/logs")
        await expect(tab.locator("[data-live-status]")).to_have_text("Live")
        await tab.evaluate("look(false)")
    empty.api("POST", "/mailboxes", ACCOUNT)
    await expect(first.get_by_role("heading", name="Add your first mailbox")).to_be_visible()
    await first.evaluate("look(true)")
    await expect(first.get_by_role("link", name="Reports", exact=True).last).to_have_attribute(
        "href", "/settings/mailboxes/reports"
    )


async def test_a_view_whose_stream_was_refused_tries_again(first: Page, empty: Site) -> None:
    await first.clock.install()
    await first.route("**/events/stream*", lambda route: route.fulfill(status=503, body=""))
    await first.goto("/settings/logs")
    await expect(first.locator("[data-live-status]")).to_have_text("Connecting again…")
    await first.unroute("**/events/stream*")
    await first.clock.fast_forward(11_000)
    await expect(first.locator("[data-live-status]")).to_have_text("Live")
