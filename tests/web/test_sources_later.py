"""The overview comes at once; who sent the messages comes after it when that takes long to add up."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Request, expect

from tests.support.holding import end_those_who_wait, sources_held
from tests.web.sites import Site, keep, visiting
from tests.web.stored_facts import fill

PART = "**/overview/sources*"
HERE = "/?days=28"  # a period that nobody asked for yet, as the sign-in does for the usual one
NOTE = "Adding up the senders of 28 days…"
LOOK = """
  let hidden = false;
  Object.defineProperty(document, "hidden", { get: () => hidden });
  window.look = (at) => { hidden = !at; document.dispatchEvent(new Event("visibilitychange")); };
"""
LOOK_AGAIN = "look(false); look(true)"
GONE = """
  window.losses = 0;
  new MutationObserver(() => { if (!document.querySelector("#sources table")) window.losses += 1; })
    .observe(document.querySelector("main"), { childList: true, subtree: true });
"""


@pytest_asyncio.fixture(loop_scope="session")
async def site(empty: Site) -> Site:
    """A site of the test's own with some weeks of reports."""
    await fill(empty.database_url, judged=False)
    return empty


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: Site) -> AsyncIterator[Page]:
    async with visiting(browser, site) as page:
        await page.context.add_init_script(LOOK)
        yield page


def table(page: Page) -> Locator:
    return page.get_by_role("table", name="Sending addresses with the most messages")


async def move(site: Site, old: str, new: str) -> None:
    """All rows of one address become those of another."""
    connection = await asyncpg.connect(site.database_url)
    await connection.execute("UPDATE record SET source_ip = $2 WHERE source_ip = $1", old, new)
    await connection.close()


async def look_until_asked(page: Page) -> None:
    """The page refreshes itself until its sources are asked for again: an answer may be kept for some seconds."""
    asked = asyncio.Event()
    page.on("request", lambda request: asked.set() if "/overview/sources" in request.url else None)
    while not asked.is_set():
        await page.evaluate(LOOK_AGAIN)
        await asyncio.sleep(1.0)  # a refresh comes a little after the look


async def test_the_page_does_not_wait_for_its_sources_and_they_come_by_themselves(page: Page, site: Site) -> None:
    async with sources_held(site.database_url):
        await page.goto(HERE)
        await expect(page.locator("#sources")).to_have_text(NOTE)
        await expect(page.get_by_role("table", name="Messages and pass rate by domain")).to_contain_text("example.org")
        await keep(page, "overview-sources-later")
    await expect(table(page)).to_contain_text("203.0.113.77")
    await expect(page.locator("#sources")).not_to_contain_text(NOTE)


async def test_the_old_sources_stay_until_the_new_ones_are_there(page: Page, site: Site) -> None:
    await page.goto(HERE)
    await expect(page.locator("[data-live-status]")).to_have_text("Live")
    await expect(table(page)).to_contain_text("203.0.113.77")
    await page.evaluate(GONE)
    await move(site, "203.0.113.77", "192.0.2.222")
    async with sources_held(site.database_url):
        await look_until_asked(page)
        await asyncio.sleep(0.5)  # in which a page that swaps too early would do it
        await expect(table(page)).to_contain_text("203.0.113.77")
    await expect(table(page)).to_contain_text("192.0.2.222")
    assert await page.evaluate("window.losses") == 0


async def test_refreshes_do_not_pile_up_while_sources_are_added_up(page: Page, site: Site) -> None:
    await page.goto(HERE)
    await expect(table(page)).to_contain_text("203.0.113.77")
    pages = 0

    def count(request: Request) -> None:
        nonlocal pages
        pages += request.resource_type == "fetch" and request.url.endswith(HERE)

    async with sources_held(site.database_url):
        await look_until_asked(page)
        page.on("request", count)
        for _ in range(4):
            await page.evaluate(LOOK_AGAIN)
            await asyncio.sleep(1.0)  # a refresh comes a little after the look
        assert pages == 0
    async with asyncio.timeout(20):
        while not pages:  # noqa: ASYNC110 the page does not tell
            await asyncio.sleep(0.1)


async def test_sources_that_cannot_be_added_up_are_a_sentence_and_the_next_look_has_them(
    page: Page, site: Site
) -> None:
    async with sources_held(site.database_url) as holder:
        await page.goto(HERE)
        await expect(page.locator("#sources")).to_have_text(NOTE)
        async with page.expect_response(PART):
            await end_those_who_wait(holder)
        await expect(page.locator("#sources")).to_have_text(
            "The database does not answer just now. Try again in some seconds."
        )
    await page.evaluate(LOOK_AGAIN)
    await expect(table(page)).to_contain_text("203.0.113.77")


async def test_sources_without_an_answer_are_a_sentence(page: Page, site: Site) -> None:
    await page.route(PART, lambda route: route.abort())
    async with sources_held(site.database_url):
        await page.goto(HERE)
        await expect(page.locator("#sources")).to_have_text("This part did not come. Reload the page to try again.")


async def test_without_scripts_a_link_leads_to_the_page_with_its_sources(browser: Browser, site: Site) -> None:
    async with visiting(browser, site, java_script_enabled=False) as page:
        async with sources_held(site.database_url):
            await page.goto("/?domain=example.com&days=28")
            link = page.get_by_role("link", name="Show the page when they are there")
            async with page.expect_request("**/?*whole=yes*"):
                clicked = asyncio.ensure_future(link.click())
            await asyncio.sleep(0.5)  # in which a page that does not wait would come without them
        await clicked
        await expect(table(page)).to_contain_text("203.0.113.77")
        await expect(page.get_by_role("heading", level=1)).to_have_text("example.com")
