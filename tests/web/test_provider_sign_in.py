"""Signing in with a mail provider from the form of a mailbox: a provider on loopback, a Dovecot that checks tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.dovecot import Dovecot, User
from tests.support.token_server import CLIENT_SECRET, TokenServer
from tests.web.sites import Site, keep, visiting

SLOW_MS = 40_000


@pytest.fixture
def user(dovecot: Dovecot) -> User:
    return dovecot.user()


@asynccontextmanager
async def filling(
    browser: Browser, site: Site, dovecot: Dovecot, user: User, provider: TokenServer
) -> AsyncIterator[Page]:
    """Somebody who has filled in the form of a new mailbox, up to the button."""
    async with visiting(browser, site) as page:
        await page.goto("/settings/mailboxes/new")
        await page.get_by_label("Sign-in method").select_option("xoauth2")
        await page.get_by_label("Provider", exact=True).select_option("custom")
        await page.locator("#advanced > summary").click()
        fields = {
            "IMAP Server": f"{dovecot.host}:{dovecot.imaps_port}",
            "Username": user.name,
            "Client id": "the client",
            "Client secret": CLIENT_SECRET,
            "CA certificate": dovecot.ca_certificate,
            "Token endpoint": f"{provider.url}/token",
            "Sign-in page": f"{provider.url}/authorize",
            "Scope": "imap",
        }
        for label, value in fields.items():
            await page.get_by_label(label, exact=True).fill(value)
        yield page


async def test_a_button_leads_to_the_provider_and_back_to_a_mailbox_that_works(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    user.deliver(b"Subject: one\r\n\r\n1\r\n")
    async with (
        TokenServer(issue=lambda: dovecot.token(user), demands_secret=True) as provider,
        filling(browser, whole, dovecot, user, provider) as page,
    ):
        await keep(page, "oauth-form")
        await page.get_by_role("button", name="Sign in with Google").click()
        await expect(page.get_by_role("status").first).to_contain_text("Signed in with the provider")
        await expect(page.locator("#test-result")).to_contain_text("The connection works", timeout=SLOW_MS)
        await keep(page, "oauth-signed-in")
        assert "code" not in page.url
        (stored,) = whole.api("GET", "/mailboxes")["items"]
        await page.get_by_role("button", name="Sign in with Google").click()  # again, without a secret typed again
        await expect(page.get_by_role("status").first).to_contain_text("Signed in with the provider")
        await expect(page.locator("#test-result")).to_contain_text("The connection works", timeout=SLOW_MS)
        visit, again = provider.visits
    assert (stored["auth"], stored["oauth"]["provider"]) == ("xoauth2", "google")
    assert visit["state"] != again["state"]
    assert sorted(stored["saved_secrets"]) == ["client_secret", "refresh_token"]
    assert visit["redirect_uri"] == f"http://{whole.address}/oauth/callback"
    assert (visit["login_hint"], visit["code_challenge_method"]) == (user.name, "S256")


async def test_whoever_declines_at_the_provider_loses_nothing_and_saves_nothing(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    async with (
        TokenServer(issue=lambda: dovecot.token(user)) as provider,
        filling(browser, whole, dovecot, user, provider) as page,
    ):
        provider.declines = True
        await page.get_by_role("button", name="Sign in with this provider").click()
        await expect(page.get_by_role("alert")).to_contain_text("cancelled, or access was refused")
        await expect(page.get_by_label("Username", exact=True)).to_have_value(user.name)
        await expect(page.get_by_label("Client id", exact=True)).to_have_value("the client")
        assert whole.api("GET", "/mailboxes")["items"] == []
        provider.declines = False
        await page.get_by_label("Client secret").fill(CLIENT_SECRET)
        await page.get_by_role("button", name="Sign in with this provider").click()
        await expect(page.locator("#test-result")).to_contain_text("The connection works", timeout=SLOW_MS)


async def test_the_providers_refusal_of_the_code_is_told_in_its_words(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    async with (
        TokenServer(issue=lambda: dovecot.token(user)) as provider,
        filling(browser, whole, dovecot, user, provider) as page,
    ):
        provider.refusal = (401, "invalid_client")
        await page.get_by_role("button", name="Sign in with this provider").click()
        await expect(page.get_by_role("alert")).to_contain_text("does not accept client_id or client_secret")
        assert CLIENT_SECRET not in await page.content()
    assert whole.api("GET", "/mailboxes")["items"] == []


async def test_a_sign_in_is_good_once_and_only_in_the_browser_that_began_it(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    async with (
        TokenServer(issue=lambda: dovecot.token(user)) as provider,
        filling(browser, whole, dovecot, user, provider) as page,
        visiting(browser, whole) as other,
    ):
        back: list[str] = []
        page.on("request", lambda sent: back.append(sent.url) if "/oauth/callback" in sent.url else None)
        await page.get_by_role("button", name="Sign in with this provider").click()
        await expect(page.locator("#test-result")).to_contain_text("The connection works", timeout=SLOW_MS)
        asked = len(provider.asked)
        state = parse_qs(urlsplit(back[0]).query)["state"][0]
        for visitor, link in ((page, back[0]), (other, back[0]), (other, f"/oauth/callback?code=x&state={state}")):
            await visitor.goto(link)
            await expect(visitor.locator("main")).to_contain_text("started in another browser, took too long")
        assert len(provider.asked) == asked


async def test_a_mailbox_with_a_password_changes_to_a_sign_in_with_the_provider(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    account = {
        "name": "Reports",
        "host": dovecot.host,
        "port": dovecot.imaps_port,
        "ca_certificate": dovecot.ca_certificate,
        "username": user.name,
        "password": user.password,
        "enabled": False,
    }
    mailbox = whole.api("POST", "/mailboxes", account)["id"]
    async with TokenServer(issue=lambda: dovecot.token(user)) as provider, visiting(browser, whole) as page:
        await page.goto(f"/settings/mailboxes/{mailbox}")
        await page.get_by_label("Sign-in method").select_option("xoauth2")
        await page.get_by_role("button", name="Sign in with Microsoft").click()
        await expect(page.locator("[id='oauth.client_id-fault']")).to_contain_text("Enter the client id")
        await page.get_by_label("Client id", exact=True).fill("the client")
        await page.get_by_label("Token endpoint").fill(f"{provider.url}/token")
        await page.get_by_label("Sign-in page").fill(f"{provider.url}/authorize")
        await page.get_by_role("button", name="Sign in with Microsoft").click()
        await expect(page.locator("#test-result")).to_contain_text("The connection works", timeout=SLOW_MS)
    after = whole.api("GET", f"/mailboxes/{mailbox}")
    assert (after["auth"], after["oauth"]["provider"], after["enabled"]) == ("xoauth2", "microsoft", False)
    assert after["saved_secrets"] == ["refresh_token"]


async def test_a_sign_in_that_the_provider_ended_leads_to_the_button(
    browser: Browser, whole: Site, dovecot: Dovecot, user: User
) -> None:
    async with TokenServer(issue=lambda: dovecot.token(user)) as provider, visiting(browser, whole) as page:
        account = {
            "name": "Reports",
            "host": dovecot.host,
            "port": dovecot.imaps_port,
            "ca_certificate": dovecot.ca_certificate,
            "username": user.name,
            "auth": "xoauth2",
            "oauth": provider.oauth().model_dump(mode="json"),
            "refresh_token": "one that the provider has forgotten",
        }
        mailbox = whole.api("POST", "/mailboxes", account)["id"]
        await page.goto("/settings/mailboxes")
        await page.get_by_role("link", name="Sign in with the provider again").click(timeout=SLOW_MS)
        await page.get_by_role("button", name="Sign in with this provider").click()
        await expect(page.locator("#test-result")).to_contain_text("The connection works", timeout=SLOW_MS)
        await page.goto("/settings/mailboxes")
        await expect(page.locator("#mailboxes")).to_contain_text("Working", timeout=SLOW_MS)
    assert whole.api("GET", f"/mailboxes/{mailbox}")["state"]["word"] == "ok"
