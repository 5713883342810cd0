"""Five things that people come for, each begun at the overview, with the clicks that it takes."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, expect

from tests.support.dovecot import Dovecot, User
from tests.support.mails import aggregate_xml, part, single
from tests.web.sites import Site, visiting

SLOW_MS = 40_000
FAILING = aggregate_xml(report_id="2", records=5).replace(
    b"<dkim>pass</dkim><spf>pass</spf>", b"<dkim>fail</dkim><spf>fail</spf>"
)
LARGE = aggregate_xml(report_id="1") + b"<!--" + b"x" * 200_000 + b"-->"
COUNT = 'addEventListener("click", (event) => { if (event.isTrusted) counted(); }, true);'


class Clicks:
    """Counts what somebody presses on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.number = 0

    def counted(self) -> None:
        self.number += 1

    @asynccontextmanager
    async def task(self, name: str, *, most: int) -> AsyncIterator[Page]:
        """Somebody begins at the overview; prints how many clicks it took."""
        await self.page.goto("/")
        self.number = 0
        yield self.page
        print(f"{name}: {self.number} clicks")
        assert self.number <= most, name


async def test_each_of_five_tasks_takes_few_clicks(browser: Browser, whole: Site, dovecot: Dovecot) -> None:
    user = dovecot.user()
    user.deliver(single(part(LARGE, name="large.xml"), subject="Large"), single(part(FAILING, name="failing.xml")))
    async with visiting(browser, whole) as page:
        page.set_default_timeout(SLOW_MS)
        clicks = Clicks(page)
        await page.expose_function("counted", clicks.counted)
        await page.add_init_script(COUNT)
        await _add_a_mailbox(clicks, dovecot, user)
        await page.goto("/attention")
        await expect(page.locator("#attention")).to_contain_text("Large", timeout=SLOW_MS)
        await _find_why_an_email_failed(clicks)
        await _raise_the_limit_and_rescue_it(clicks)
        await _see_who_fails(clicks)
        await _pause_everything(clicks)
    assert whole.api("GET", "/mailboxes")["enabled"] is False


async def _add_a_mailbox(clicks: Clicks, dovecot: Dovecot, user: User) -> None:
    """With a certificate that nobody knows, which is two of the clicks: Test Connection, and to trust it."""
    async with clicks.task("add a mailbox, tested, its certificate trusted", most=4) as page:
        await page.get_by_role("link", name="Add mailbox").click()
        fields = {
            "IMAP Server": f"{dovecot.host}:{dovecot.imaps_port}",
            "Username": user.name,
            "Password": user.password,
            "Size Limit (MB)": "0.1",
        }
        for label, value in fields.items():
            await page.get_by_label(label, exact=True).fill(value)
        await page.get_by_role("button", name="Test Connection").click()
        await page.get_by_role("button", name="Trust this certificate").click()
        await expect(page.locator("#test-result")).to_contain_text("The connection works.", timeout=SLOW_MS)
        await page.get_by_role("button", name="Save Changes").click()
        await expect(page.get_by_role("status").first).to_contain_text("The mailbox was saved")


async def _find_why_an_email_failed(clicks: Clicks) -> None:
    async with clicks.task("find why an email failed", most=1) as page:
        await page.get_by_role("link", name=re.compile("Needs attention")).first.click()
        await expect(page.locator("#attention")).to_contain_text("larger than the attachment size limit")


async def _raise_the_limit_and_rescue_it(clicks: Clicks) -> None:
    async with clicks.task("raise the limit and rescue it", most=4) as page:
        await page.get_by_role("link", name=re.compile("Needs attention")).first.click()
        await page.get_by_role("link", name="Raise the limit").click()
        await page.get_by_label("Size Limit (MB)").fill("10")
        await page.get_by_role("button", name="Save Changes").click()
        await page.get_by_role("button", name="Retry").first.click()
        await expect(page.locator("#attention")).to_contain_text("Nothing needs attention", timeout=SLOW_MS)
        await page.goto("/reports")
        await expect(page.locator("#reports tbody tr")).to_have_count(2, timeout=SLOW_MS)


async def _see_who_fails(clicks: Clicks) -> None:
    async with clicks.task("see who fails", most=2) as page:
        await page.get_by_role("link", name="Sources", exact=True).click()
        await expect(page.get_by_role("main")).to_contain_text("failing")


async def _pause_everything(clicks: Clicks) -> None:
    async with clicks.task("pause everything", most=2) as page:
        await page.get_by_role("link", name=re.compile("IMAP Integration")).click()
        await page.get_by_role("button", name="Pause all").click()
        await expect(page.locator("#all-paused")).to_be_visible()
