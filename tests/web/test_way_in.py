import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.services import ADMIN_TOKEN
from tests.web.sites import SIGN_IN_LINK, Site, keep, visiting


async def test_the_printed_link_signs_in_and_leaves_no_token_in_the_address(browser: Browser, filled: Site) -> None:
    async with visiting(browser, filled, signed_in=False) as page:
        await page.goto(SIGN_IN_LINK)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        assert "#" not in page.url


async def test_a_wrong_token_is_told_and_nobody_gets_in(browser: Browser, empty: Site) -> None:
    async with visiting(browser, empty, signed_in=False) as page:
        await page.goto("/sign-in")
        await page.get_by_label("Admin token or password").fill("not the token")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("This is neither the admin token nor the password.")).to_be_visible()
        await page.goto("/reports")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_after_the_sign_in_one_is_where_one_wanted_to_go(browser: Browser, filled: Site) -> None:
    async with visiting(browser, filled, signed_in=False, java_script_enabled=False) as page:
        await page.goto("/mails?outcome=failed")
        await page.get_by_label("Admin token or password").fill(ADMIN_TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/mails?outcome=failed")


async def test_after_the_sign_out_every_page_asks_again(browser: Browser, filled: Site) -> None:
    async with visiting(browser, filled) as page:
        await page.get_by_role("button", name="Sign out").click()
        await page.goto("/")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_a_token_is_shown_once_works_and_is_revoked(keeper: Page, empty: Site) -> None:
    await keeper.goto("/settings/access")
    await keeper.get_by_label("Name").fill("nightly export")
    await keeper.get_by_role("button", name="Create token").click()
    token = await keeper.locator("#new-token").inner_text()
    assert empty.api("GET", "/reports", token=token)["items"] == []
    await keeper.goto("/settings/access")
    assert token not in await keeper.content()
    await keeper.get_by_role("button", name="Revoke").click()
    await expect(keeper.get_by_role("status")).to_contain_text("The token was revoked")
    with pytest.raises(OSError, match="401"):
        empty.api("GET", "/reports", token=token)


async def test_the_password_is_changed_by_whom_knows_the_secret(keeper: Page) -> None:
    new = "a long enough password"
    for current, told in (("wrong", "This is neither"), (ADMIN_TOKEN, "The password was changed")):
        await keeper.goto("/account")
        await keeper.get_by_label("Admin token or present password").fill(current)
        await keeper.get_by_label("New password", exact=True).fill(new)
        await keeper.get_by_label("New password again").fill(new)
        await keeper.get_by_role("button", name="Change password").click()
        await expect(keeper.get_by_text(told)).to_be_visible()
    await keeper.get_by_role("button", name="Sign out").click()
    await keeper.get_by_label("Admin token or password").fill(new)
    await keeper.get_by_role("button", name="Sign in").click()
    await expect(keeper.get_by_role("heading", level=1)).to_have_text("Overview")


async def test_a_link_for_once_asks_for_a_password_to_come_back_with(browser: Browser, empty: Site) -> None:
    link = empty.api("POST", "/sign-in-links")["url"].partition("/sign-in#")[2]
    async with visiting(browser, empty, signed_in=False) as page:
        await page.goto(f"/sign-in?next=/mails#{link}")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Choose a password")
        await page.get_by_label("New password", exact=True).fill("a long enough password")
        await page.get_by_label("New password again").fill("another password")
        await page.get_by_role("button", name="Save and continue").click()
        await expect(page.get_by_text("The two passwords differ.")).to_be_visible()
        await keep(page, "first-password")
        for label in ("New password", "New password again"):
            await page.get_by_label(label, exact=True).fill("a long enough password")
        await page.get_by_role("button", name="Save and continue").click()
        await page.wait_for_url("**/mails")
        await page.goto("/sign-in/password")
        await page.wait_for_url("**/")  # asked once only
    async with visiting(browser, empty, signed_in=False) as page:
        await page.goto("/settings")
        await expect(page.get_by_text("dmarq sign-in-link")).to_be_visible()
        await page.get_by_label("Admin token or password").fill("a long enough password")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/settings/mailboxes")


@pytest.mark.parametrize("script", [True, False])
async def test_the_colours_go_round_and_are_remembered(browser: Browser, filled: Site, script: bool) -> None:
    async with visiting(browser, filled, java_script_enabled=script) as page:
        root = page.locator("html")
        for theme in ("light", "dark"):
            await page.get_by_role("button", name="Colours").click()
            await expect(root).to_have_attribute("data-theme", theme)
        await page.goto("/reports")
        await expect(root).to_have_attribute("data-theme", "dark")
        await page.get_by_role("button", name="Colours").click()
        await expect(root).not_to_have_attribute("data-theme", "dark")
