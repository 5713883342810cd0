"""The settings guide, walked sentence by sentence in a browser; another client looks up each effect over IMAP."""

import asyncio
import imaplib
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, Page, expect

from tests.support.archives import zip_of
from tests.support.dovecot import Dovecot, User
from tests.support.mails import aggregate_xml, mail, part, single, text
from tests.web.sites import Site, keep, visiting

SLOW_MS = 40_000
SLOW_S = 40.0
DAY_S = 86_400


@dataclass(frozen=True)
class Account:
    """The mailbox as another mail program sees it: over IMAP, with nothing of ours in between."""

    dovecot: Dovecot
    user: User

    def _signed_in(self) -> imaplib.IMAP4_SSL:
        trust = ssl.create_default_context(cadata=self.dovecot.ca_certificate)
        client = imaplib.IMAP4_SSL(self.dovecot.host, self.dovecot.imaps_port, ssl_context=trust)
        client.login(self.user.name, self.user.password)
        return client

    def append(self, raw: bytes, *, days_old: int = 0, folder: str = "INBOX") -> None:
        """Puts an email there, received so many days ago."""
        with self._signed_in() as client:
            client.create(folder)
            client.append(folder, "", imaplib.Time2Internaldate(time.time() - days_old * DAY_S), raw)

    def read_flags(self, folder: str = "INBOX") -> list[bool] | None:
        """Of each email whether it is read, in order; None where there is no such folder."""
        with self._signed_in() as client:
            if client.select(folder, readonly=True)[0] != "OK":
                return None
            found = client.fetch("1:*", "(FLAGS)")[1] if client.response("EXISTS")[1] != [b"0"] else []
            return [b"\\Seen" in line for line in found if isinstance(line, bytes)]

    async def becomes(self, wanted: Callable[[], bool]) -> None:
        """Waits until the mailbox is so."""
        await asyncio.to_thread(_until, wanted)


def _until(wanted: Callable[[], bool]) -> None:
    late = time.monotonic() + SLOW_S
    while not wanted():
        assert time.monotonic() < late, "the mailbox did not become so"
        time.sleep(0.3)


def report(number: int, *, subject: str = "", padding: int = 0) -> bytes:
    """An email with one report of its own."""
    xml = aggregate_xml(report_id=str(number)) + b"<!--" + b"x" * padding + b"-->"
    return single(part(xml, name="report.xml"), subject=subject or f"Report Domain: example.com Report-ID: {number}")


async def fill(page: Page, account: Account, **more: str) -> None:
    """The guide's own fields, by their names."""
    fields = {
        "IMAP Server": account.dovecot.host,
        "IMAP Port": str(account.dovecot.imaps_port),
        "Username": account.user.name,
        "Password": account.user.password,
        **more,
    }
    for label, value in fields.items():
        await page.get_by_label(label, exact=True).fill(value)


async def trust(page: Page) -> None:
    """Test Connection, and the certificate that it offers."""
    await page.get_by_role("button", name="Test Connection").click()
    await page.get_by_role("button", name="Trust this certificate").click(timeout=SLOW_MS)
    await expect(page.locator("#test-result")).to_contain_text("The connection works.", timeout=SLOW_MS)


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save Changes").click()
    await expect(page.get_by_role("status").first).to_contain_text("The mailbox was saved", timeout=SLOW_MS)


@asynccontextmanager
async def adding(browser: Browser, site: Site, account: Account, **fields: str) -> AsyncIterator[Page]:
    """Settings > IMAP Integration > Add mailbox, with the account filled in."""
    async with visiting(browser, site) as page:
        page.set_default_timeout(SLOW_MS)
        await page.goto("/settings")
        await page.get_by_role("link", name="Add mailbox").first.click()
        await fill(page, account, **fields)
        yield page


async def test_server_port_encryption_username_password_and_test_connection(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    account = Account(dovecot, user)
    user.deliver(report(1), report(2))
    user.deliver(report(3), flags="S")
    async with adding(browser, whole, account, Password="wrong") as page:
        result = page.locator("#test-result")
        await page.get_by_role("button", name="Test Connection").click()
        await expect(result).to_contain_text("is not trusted", timeout=SLOW_MS)  # one cause, named first
        fingerprint = await page.locator("#fingerprint").inner_text()
        assert len(fingerprint.split(":")) == 32
        await keep(page, "guide-certificate")
        await page.get_by_role("button", name="Trust this certificate").click()
        await expect(result).to_contain_text("Sign-in refused", timeout=SLOW_MS)
        await page.get_by_label("Password", exact=True).fill(user.password)
        await page.get_by_role("button", name="Test Connection").click()
        await expect(result).to_contain_text("3 emails, 2 unread", timeout=SLOW_MS)
        await keep(page, "guide-works")
        assert account.read_flags() == [False, False, True]  # a test touches nothing
        await save(page)
        await account.becomes(lambda: account.read_flags() == [True, True, True])  # Mark as read, by default
        await page.goto("/settings/logs")
        await expect(page.locator("#log")).to_contain_text("Test Connection failed")
        assert user.password not in await page.content()
    (stored,) = whole.api("GET", "/mailboxes")["items"]
    assert stored["name"] == user.name
    assert stored["pinned_certificate"] == fingerprint.replace(":", "").lower()


async def test_the_switches_and_the_polling_interval(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    account = Account(dovecot, user)
    async with adding(browser, whole, account, **{"Polling Interval (minutes)": "0.05"}) as page:
        await trust(page)
        await page.get_by_label("Wait for new email (IDLE)").uncheck()
        await page.get_by_label("Enable IMAP").uncheck()
        await save(page)
        user.deliver(report(1))
        await expect(page.locator("#mailboxes")).to_contain_text("Paused")
        await page.get_by_role("link", name=user.name, exact=True).click()
        await page.get_by_label("Enable IMAP").check()
        await save(page)
        await account.becomes(lambda: account.read_flags() == [True])
        user.deliver(report(2))  # nobody asks for it: the interval is three seconds
        await account.becomes(lambda: account.read_flags() == [True, True])
        await page.goto("/settings/mailboxes")
        await page.get_by_role("button", name="Pause all").click()
        await expect(page.locator("#all-paused")).to_be_visible()
        await asyncio.sleep(2)  # what was in hand ends
        user.deliver(report(3))
        await asyncio.sleep(5)
        assert account.read_flags() == [True, True, False]
        await page.get_by_role("button", name="Enable IMAP").click()
        await account.becomes(lambda: account.read_flags() == [True, True, True])


async def test_the_folder_and_what_is_done_after_processing(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    account = Account(dovecot, user)
    account.append(report(1), folder="Reports")
    account.append(mail(text("Lunch?"), subject="Lunch?"), folder="Reports")
    account.append(single(part(b"<feedback>", name="report.xml"), subject="Broken"), folder="Reports")
    async with adding(browser, whole, account, Folder="Reports") as page:
        await page.get_by_label("After processing").select_option("move")
        await page.get_by_label("Folder to move to").first.fill("Done")
        await page.get_by_label("After a failure").select_option("delete")
        assert account.read_flags("Done") is None
        await trust(page)
        assert account.read_flags("Done") == []  # made by the test, before the first email needs it
        await save(page)
        await account.becomes(lambda: account.read_flags("Done") == [False])
        await account.becomes(lambda: account.read_flags("Reports") == [False])  # lunch stays, and stays unread
        assert account.read_flags() == []


async def test_filters_by_subject_sender_and_age(browser: Browser, whole: Site, dovecot: Dovecot, user: User) -> None:
    account = Account(dovecot, user)
    account.append(report(1))
    account.append(report(2, subject="Something else"))
    account.append(report(3), days_old=40)
    account.append(report(4).replace(b"dmarc@mail.example", b"dmarc@other.example"))
    fields = {"Subject Filter": "report domain:", "Sender Filter": "mail.example", "Age Filter (days)": "30"}
    async with adding(browser, whole, account, **fields) as page:
        await trust(page)
        await save(page)
        await account.becomes(lambda: account.read_flags() == [True, False, False, False])
        await page.goto("/mails")
        await expect(page.locator("#mails tbody tr")).to_have_count(1, timeout=SLOW_MS)


async def test_formats_size_limit_and_priority(browser: Browser, whole: Site, dovecot: Dovecot, user: User) -> None:
    account = Account(dovecot, user)
    zipped = part(zip_of(("report.xml", aggregate_xml(report_id="2"))), "application/zip", name="report.zip")
    user.deliver(report(1), single(zipped), report(3, padding=200_000))
    async with adding(browser, whole, account, **{"Size Limit (MB)": "0.1"}) as page:
        await page.get_by_role("checkbox", name="ZIP archives").uncheck()
        await page.get_by_role("button", name="Move GZ (gzip) up").click()
        await trust(page)
        await save(page)
        await account.becomes(lambda: account.read_flags() == [True, False, False])
        await page.goto("/mails?outcome=failed")
        await expect(page.locator("#mails tbody tr")).to_have_count(1, timeout=SLOW_MS)
    (stored,) = whole.api("GET", "/mailboxes")["items"]
    assert stored["attachments"]["priority"] == ["xml", "gz", "zip", "eml"]
    assert stored["attachments"]["formats"] == ["xml", "gz", "eml"]
    assert {each["report_id"] for each in whole.api("GET", "/reports")["items"]} == {"1"}


async def test_the_activity_log_and_the_logs(browser: Browser, whole: Site, dovecot: Dovecot, user: User) -> None:
    account = Account(dovecot, user)
    user.deliver(report(1), mail(text("Lunch?"), subject="Lunch?"))
    async with adding(browser, whole, account) as page:
        await trust(page)
        await save(page)
        await page.locator("#mailboxes .menu > summary").click()
        await page.get_by_role("link", name="Activity Log").click()
        row = page.locator("#runs tbody tr").last
        await expect(row.locator("[data-label=Fetched]")).to_have_text("2", timeout=SLOW_MS)
        await expect(row.locator("[data-label=Imported]")).to_have_text("1", timeout=SLOW_MS)
        await expect(page.locator("#changes")).to_contain_text("added the mailbox")
        await page.get_by_role("navigation", name="Mailbox").get_by_role("link", name="Logs").click()
        await expect(page.locator("#log")).to_contain_text(dovecot.host)
