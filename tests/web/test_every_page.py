"""Every page, as screens of five kinds show it: whole, accessible, no wider than the screen.

A page is loaded once and then looked at on each screen: its styles ask for nothing but the width and the colours, and
no script of it measures the screen.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tests.web.sites import DESKTOP, PHONE, TABLET, Site, keep, visiting
from tests.web.stored_facts import SENDGRID, SPOOFER


@dataclass(frozen=True)
class Look:
    """A kind of screen."""

    size: dict[str, int]
    dark: bool = False
    touch: bool = False


PAGES = {
    "overview": "/",
    "overview-of-a-domain": "/?domain=example.com&days=90",
    "overview-too-long": "/?days=99999",
    "sources": "/sources",
    "sources-networks": "/sources?by=network",
    "sources-addresses": "/sources?by=address",
    "sources-none": "/sources?q=no-such-thing",
    "source": f"/sources/{SENDGRID}",
    "source-of-a-day": f"/sources/{SPOOFER}?since=2020-01-01&until=2020-01-02",
    "service": "/sources/services/twilio-sendgrid",
    "domains": "/domains",
    "domain": "/domains/example.com",
    "domain-of-a-month": "/domains/example.org?days=30",
    "reports": "/reports",
    "report": "/reports/1",
    "tls-report": "/reports?kind=tls",
    "mails": "/mails",
    "mails-failed": "/mails?outcome=failed",
    "mailboxes": "/settings/mailboxes",
    "mailbox": "/settings/mailboxes/dmarc-reports",
    "mailbox-new": "/settings/mailboxes/new",
    "mailbox-delete": "/settings/mailboxes/dmarc-reports/delete",
    "activity": "/settings/mailboxes/dmarc-reports/activity",
    "logs": "/settings/logs",
    "access": "/settings/access",
    "account": "/account",
    "users": "/settings/users",
    "user": "/settings/users/1",
    "sessions": "/settings/sessions",
    "audit": "/settings/audit",
    "notifications": "/settings/notifications",
    "notifications-email": "/settings/notifications/channels/new?kind=email",
    "notifications-webhook": "/settings/notifications/channels/ops",
    "notifications-remove": "/settings/notifications/channels/ops/remove",
    "notifications-rules": "/settings/notifications/rules",
    "notifications-rule": "/settings/notifications/rules/dead_letters",
    "notifications-history": "/settings/notifications/history",
    "attention": "/attention",
    "mails-skipped": "/mails?outcome=skipped",
    "upload": "/upload",
    "api-docs": "/api/v1/docs",
}
LOOKS = {
    "light": Look(DESKTOP),
    "dark": Look(DESKTOP, dark=True),
    "tablet": Look(TABLET, touch=True),
    "phone": Look(PHONE, touch=True),
    "phone-dark": Look(PHONE, dark=True, touch=True),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", PAGES)
async def test_every_page_is_whole_accessible_and_as_wide_as_the_screen(reader: Page, name: str) -> None:
    answer = await reader.goto(PAGES[name])
    assert answer is not None
    assert answer.status == 200
    async for look in looks(reader):
        await keep(reader, f"{name}-{look}")
        assert await _overflow(reader) <= 0, look
        assert await _screens(reader) <= 10, look
        assert await _cut_tables(reader) == [], look
        assert await _serious_findings(reader) == [], look


@pytest.mark.parametrize(("name", "path"), [("sign-in", "/sign-in"), ("not-found", "/no/such/page")])
async def test_the_way_in_and_the_error_page_are_accessible(
    browser: Browser, filled: Site, name: str, path: str
) -> None:
    async with visiting(browser, filled, signed_in=False) as page:
        await page.goto(path)
        async for look in looks(page):
            await keep(page, f"{name}-{look}")
            assert await _serious_findings(page) == [], look


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sources",
        "/domains",
        "/reports",
        "/mails",
        "/settings/mailboxes",
        "/settings/logs",
        "/attention",
        "/settings/notifications",
        "/settings/notifications/history",
    ],
)
async def test_an_empty_page_says_what_to_do_first(keeper: Page, path: str) -> None:
    await keeper.goto(path)
    await keep(keeper, f"empty-{path.strip('/').replace('/', '-') or 'overview'}")
    assert await keeper.locator(".empty h2").inner_text() != ""
    assert await _serious_findings(keeper) == []


async def test_what_a_report_says_is_shown_as_text_and_nothing_more(reader: Page) -> None:
    for path in ("/", "/reports", "/mails", "/mails?outcome=failed"):
        await reader.goto(path)
        assert await reader.locator("img, script:not([src])").count() == 0
        assert "owned" not in await reader.title()
        assert await reader.get_by_text('<img src=x onerror="alert(1)">').count() > 0, path


async def test_the_keyboard_reaches_the_content_by_the_skip_link(reader: Page) -> None:
    await reader.goto("/reports")
    await reader.keyboard.press("Tab")
    assert await reader.evaluate("document.activeElement.textContent") == "Skip to the content"
    await reader.keyboard.press("Enter")
    assert await reader.evaluate("document.activeElement.id") == "content"


async def looks(page: Page) -> AsyncIterator[str]:
    """The names of the looks, the page having the look of the last one given.

    Nothing moves: colours that fade from light to dark would be looked at half way.
    """
    browser = await page.context.new_cdp_session(page)
    for name, look in LOOKS.items():
        await browser.send("Emulation.setTouchEmulationEnabled", {"enabled": look.touch})
        await page.emulate_media(color_scheme="dark" if look.dark else "light", reduced_motion="reduce")
        await page.set_viewport_size({"width": look.size["width"], "height": look.size["height"]})
        yield name


async def _overflow(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


async def _screens(page: Page) -> float:
    """How many screens high the page is."""
    return float(await page.evaluate("document.documentElement.scrollHeight / innerHeight"))


async def _cut_tables(page: Page) -> list[str]:
    """The tables of which a part is to be scrolled into sight, by their captions."""
    tables = page.locator(".table-scroll")
    cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText.slice(0, 80))"
    return list(await tables.evaluate_all(cut))


async def _serious_findings(page: Page) -> list[str]:
    results = await Axe().run(page)
    found = results.response["violations"]
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:160] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
