import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.dovecot import Dovecot, User
from tests.support.mails import aggregate_xml, mail, part, single, text
from tests.web.sites import Site, keep, visiting

SLOW_MS = 30_000
MOVED = re.compile("(?<!to be )moved to Processed")


async def _describe(page: Page, dovecot: Dovecot, user: User, *, password: str) -> None:
    await page.goto("/settings/mailboxes/new")
    for label, value in (
        ("Name", "Reports"),
        ("IMAP Server", dovecot.host),
        ("IMAP Port", str(dovecot.imaps_port)),
        ("Username", user.name),
    ):
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.locator("#advanced > summary").click()
    await page.get_by_label("CA certificate", exact=True).fill(dovecot.ca_certificate)


async def test_from_the_first_sign_in_to_the_first_report(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    user.deliver(single(part(aggregate_xml(), name="report.xml")), mail(text("Lunch?"), subject="Lunch?"))
    async with visiting(browser, whole) as page:
        await page.get_by_role("link", name="Add mailbox").click()
        await _describe(page, dovecot, user, password=user.password)
        await page.get_by_label("After processing").select_option("move")
        await page.get_by_label("Folder to move to").first.fill("Processed")
        await page.get_by_role("button", name="Test Connection").click()
        await expect(page.locator("#test-result")).to_contain_text("2 emails, 2 unread", timeout=SLOW_MS)
        await keep(page, "test-connection-works")
        assert [stored.seen for stored in user.stored()] == [False, False]
        overview = await page.context.new_page()
        await overview.goto("/?since=2025-02-01&until=2025-02-28")
        await page.get_by_role("button", name="Save Changes").click()
        domains = overview.get_by_role("table", name="Messages and pass rate by domain")
        await expect(domains).to_contain_text("example.com", timeout=SLOW_MS)  # without a reload
        await page.goto("/mails")
        await expect(page.locator("#mails")).to_contain_text(
            re.compile("(?<!to be )moved to Processed"), timeout=SLOW_MS
        )
        await expect(page.locator("#mails tbody tr")).to_have_count(2, timeout=SLOW_MS)
        await page.locator("#mails tbody tr", has_text="example.com").get_by_role("link").first.click()
        await expect(page.locator(".timeline")).to_contain_text("Imported: 1 report file found, 1 report stored.")
        await page.goto("/settings/logs")
        await expect(page.locator("#log")).to_contain_text(dovecot.host)
        assert user.password not in await page.content()
    assert len(user.stored("Processed")) == 1
    assert [stored.seen for stored in user.stored()] == [False]


@pytest.mark.parametrize("script", [True, False])
async def test_a_wrong_password_is_explained_with_steps(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User, script: bool
) -> None:
    async with visiting(browser, whole, java_script_enabled=script) as page:
        await _describe(page, dovecot, user, password="not the password")
        await page.get_by_role("button", name="Test Connection").click()
        result = page.locator("#test-result")
        await expect(result).to_contain_text("Sign-in refused", timeout=SLOW_MS)
        assert await result.locator("ol li").count() > 0
        assert "not the password" not in await page.content()
        await keep(page, "test-connection-refused")


async def test_fetch_now_and_pause_take_effect_and_show_in_the_activity_log(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    account = {"host": dovecot.host, "port": dovecot.imaps_port, "username": user.name, "password": user.password}
    settings = {"ca_certificate": dovecot.ca_certificate, "use_idle": False, **account}
    whole.api("POST", "/mailboxes", {"id": "box", "name": "Reports", **settings})
    async with visiting(browser, whole) as page:
        await page.goto("/settings/mailboxes/box/activity")
        await expect(page.locator("#runs tbody tr")).to_have_count(1, timeout=SLOW_MS)
        user.deliver(single(part(aggregate_xml(), name="report.xml")))
        await page.get_by_role("button", name="Fetch now").click()
        await page.goto("/settings/mailboxes/box/activity")
        await expect(page.locator("#runs [data-label=Imported]").first).to_have_text("1", timeout=SLOW_MS)
        await keep(page, "activity-live")
        await page.goto("/settings/mailboxes")
        await page.locator("#mailboxes .menu > summary").click()
        await page.locator("#mailboxes .menu").get_by_role("button", name="Pause").click()
        await page.goto("/settings/mailboxes/box/activity")
        await expect(page.locator("#changes")).to_contain_text("paused the mailbox")
        await expect(page.get_by_role("button", name="Resume")).to_be_visible()
