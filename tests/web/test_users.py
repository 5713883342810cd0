"""People in a browser: added, signed in by name or with a provider, shown what is theirs alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.support.config_api import api_settings, running_api, served
from tests.support.oidc.impostor import CLIENT_ID, Impostor, running_impostor
from tests.web.sites import Site, keep, visiting

PASSWORD = "a long enough password"


@dataclass(frozen=True)
class WithProvider:
    """A site, and the provider that its users sign in with."""

    site: Site
    provider: Impostor


@pytest.fixture
def with_provider(nats_url: str, migrated_url: str) -> Iterator[WithProvider]:
    with running_impostor() as provider:
        settings = api_settings(
            nats_url=nats_url, database_url=migrated_url, oidc_issuer=provider.issuer, oidc_client_id=CLIENT_ID,
            oidc_name="Example ID", oidc_roles="admins=admin", oidc_default_role="viewer",
        )  # fmt: skip
        with running_api(settings) as api, served(api) as address:
            provider.callback = f"http://{address}/sign-in/provider/callback"
            yield WithProvider(Site(address, nats_url, migrated_url), provider)


async def test_a_customer_is_added_signs_in_by_name_and_sees_their_own_place_alone(
    browser: Browser, keeper: Page, empty: Site
) -> None:
    await keeper.goto("/settings/users")
    await keeper.get_by_label("User name").fill("customer")
    await keeper.get_by_label("Only these domains").fill("example.com")
    for label in ("Password", "Password again"):
        await keeper.get_by_label(label, exact=True).fill(PASSWORD)
    await keeper.get_by_role("button", name="Add user").click()
    await expect(keeper.get_by_role("status")).to_contain_text("The user was added")
    async with visiting(browser, empty, signed_in=False) as page:
        await page.goto("/sign-in")
        await page.get_by_label("User name").fill("Customer")
        await page.get_by_label("Admin token or password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/")
        places = await page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts()
        assert places == ["Overview", "Sources", "Domains", "Reports", "Emails"]
        for path in ("/", "/reports", "/mails", "/account"):
            await page.goto(path)
            await keep(page, f"customer-{path.strip('/') or 'overview'}")
            assert await _serious_findings(page) == [], path
        await page.goto("/settings/mailboxes")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
        await page.goto("/account")
        await page.get_by_role("button", name="End session").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_one_signs_in_with_the_provider_and_is_told_when_one_may_not(
    browser: Browser, with_provider: WithProvider
) -> None:
    site, provider = with_provider.site, with_provider.provider
    async with visiting(browser, site, signed_in=False) as page:
        await page.goto("/sign-in?next=/reports")
        await keep(page, "sign-in-with-a-provider")
        assert await _serious_findings(page) == []
        await page.get_by_role("link", name="Sign in with Example ID").click()
        await page.wait_for_url("**/reports")
        await page.goto("/account")
        await expect(page.get_by_text("someone@example.com")).to_be_visible()
        [user] = site.api("GET", "/users")["items"]
        site.api("PATCH", f"/users/{user['id']}", {"disabled": True})
        await page.goto("/reports")
        await page.get_by_role("link", name="Sign in with Example ID").click()
        await expect(page.get_by_text("Your account here is disabled.")).to_be_visible()
        assert await _serious_findings(page) == []
        site.api("PATCH", f"/users/{user['id']}", {"disabled": False})
        provider.claims = {"aud": "another-client"}
        await page.get_by_role("link", name="Sign in with Example ID").click()
        await expect(page.get_by_text("What the provider sent does not fit.")).to_be_visible()


async def test_what_was_changed_is_found_in_the_audit_log(keeper: Page, empty: Site) -> None:
    user = empty.api("POST", "/users", {"name": "alice", "role": "viewer", "password": PASSWORD})
    empty.api("PATCH", f"/users/{user['id']}", {"role": "operator"})
    await keeper.goto("/settings/audit")
    await keeper.get_by_label("What").select_option("user_changed")
    await keeper.get_by_role("button", name="Filter").click()
    row = keeper.get_by_role("row", name="Changed the user alice")
    await expect(row).to_contain_text("Role: viewer → operator")
    await expect(keeper.locator("tbody tr")).to_have_count(1)


async def _serious_findings(page: Page) -> list[str]:
    results = await Axe().run(page)
    return [each["id"] for each in results.response["violations"] if each["impact"] in ("serious", "critical")]
