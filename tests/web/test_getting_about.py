"""Every place is reached by a menu on a phone; lists are gone through in both directions; times are the reader's."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.sites import PHONE, Site, visiting

PLACES = ("Overview", "Reports", "Emails", "Needs attention", "Upload", "IMAP Integration", "Logs", "Access")


@pytest.mark.parametrize("place", PLACES)
async def test_every_place_is_reached_from_the_menu_of_a_phone(browser: Browser, filled: Site, place: str) -> None:
    async with visiting(browser, filled, viewport=PHONE, has_touch=True) as page:
        await page.goto("/settings/logs")
        await expect(page.get_by_role("link", name=place)).to_be_hidden()
        await page.get_by_role("button", name="Menu").tap()
        await page.get_by_role("link", name=place).tap()
        await expect(page.locator("#nav [aria-current=page]")).to_contain_text(place)


async def test_the_menu_of_a_phone_closes_with_escape(browser: Browser, filled: Site) -> None:
    async with visiting(browser, filled, viewport=PHONE) as page:
        await page.goto("/reports")
        button = page.get_by_role("button", name="Menu")
        await button.click()
        await expect(button).to_have_attribute("aria-expanded", "true")
        await page.keyboard.press("Escape")
        await expect(button).to_have_attribute("aria-expanded", "false")
        await expect(page.locator("#nav")).to_be_hidden()


async def test_the_menu_of_the_narrowest_phone_is_in_sight_and_holds_the_way_out(
    browser: Browser, filled: Site
) -> None:
    async with visiting(browser, filled, viewport={"width": 320, "height": 640}, has_touch=True) as page:
        await page.goto("/reports")
        await expect(page.get_by_role("button", name="Menu")).to_be_in_viewport(ratio=1)
        await expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
        await page.get_by_role("button", name="Menu").tap()
        await page.get_by_role("button", name="Sign out").tap()
        await expect(page).to_have_url(re.compile("/sign-in"))


async def test_without_scripts_the_navigation_is_open(browser: Browser, filled: Site) -> None:
    async with visiting(browser, filled, viewport=PHONE, java_script_enabled=False) as page:
        await page.goto("/reports")
        await page.get_by_role("link", name="Emails").click()
        await expect(page).to_have_url(re.compile("/mails"))


@pytest.mark.parametrize("path", ["/reports", "/mails", "/mails?sort=size", "/settings/logs"])
async def test_a_list_says_where_it_is_and_goes_back_the_way_it_came(reader: Page, path: str) -> None:
    await reader.goto(path)
    first = (await reader.locator("main").inner_text()).split()
    await expect(reader.locator(".pager")).to_contain_text(re.compile(r"1 to \d+"))
    await reader.get_by_role("link", name="Next page").click()
    await expect(reader.locator(".pager")).to_contain_text(re.compile(r"(26|51) to"))
    await reader.get_by_role("link", name="Next page").click()
    await reader.get_by_role("link", name="Previous page").click()
    await reader.get_by_role("link", name="Previous page").click()
    await expect(reader.locator(".pager")).to_contain_text(re.compile(r"1 to \d+"))
    again = (await reader.locator("main tbody, main .log").first.inner_text()).split()
    assert " ".join(again) in " ".join(first)
    await expect(reader.get_by_role("link", name="Previous page")).to_have_count(0)


async def test_times_are_those_of_the_readers_zone(browser: Browser, filled: Site) -> None:
    async with visiting(browser, filled, timezone_id="Asia/Tokyo") as page:
        await page.goto("/reports")
        time = page.locator("tbody tr").first.locator("time").last
        await expect(time).to_have_attribute("datetime", re.compile("T05:00:00Z"))
        await expect(time).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d 14:00$"))
        await expect(time).to_have_attribute("title", re.compile("05:00:00 UTC"))
        await expect(page.locator("[data-zone]")).to_have_text("Times: Asia/Tokyo")


async def test_rows_of_a_report_begin_with_what_fails_and_say_why(reader: Page) -> None:
    await reader.goto("/reports?sort=-failed")
    await reader.locator("tbody a").first.click()
    await expect(reader.locator("tbody tr").first).to_contain_text("Fail")
    await expect(reader.locator("tbody tr").first).to_contain_text("the signature is not valid")
    await reader.get_by_role("link", name="Source", exact=True).click()
    await expect(reader.locator("th[aria-sort=ascending]")).to_have_text("Source")


async def test_a_search_for_an_address_finds_the_reports_that_speak_of_it(reader: Page) -> None:
    await reader.goto("/reports")
    await reader.get_by_label("Search").fill("203.0.113.77")
    await reader.get_by_role("button", name="Filter").click()
    await expect(reader.locator(".pager")).to_contain_text(re.compile(r"1 to 25 of \d+"))
    await reader.locator("tbody a").first.click()
    await expect(reader.get_by_role("rowheader", name="203.0.113.77")).to_be_visible()


async def test_what_a_row_is_about_can_be_done_from_its_menu(reader: Page) -> None:
    await reader.goto("/mails?outcome=skipped")
    await expect(reader.locator("tbody tr")).to_contain_text("ZIP is switched off")
    await reader.get_by_role("button", name="Actions").click()
    await reader.get_by_role("link", name="Trace").click()
    await expect(reader.locator(".badge").first).to_have_text("Skipped")


@pytest.mark.parametrize(
    "path",
    [
        "/attention?reason=%00&mailbox_id=%ED%A0%80", "/dead-letters?cursor=%00",
        "/mails?outcome=%00&cursor=W10&from=-1",
        "/reports?q=%00%FF&sort=x&from=99999999999999", "/reports/1?sort=%00&disposition=%00", "/upload/outcome/%00",
        "/settings/logs?span=x&level=%00&mailbox_id=%00", "/reports?q=" + "9" * 400, "/reports?q=::ffff:1.2.3.4%2F200",
    ],
)  # fmt: skip
async def test_odd_addresses_of_pages_are_no_fault_of_the_server(reader: Page, path: str) -> None:
    answer = await reader.goto(path)
    assert answer is not None
    assert answer.status < 500


async def test_odd_forms_are_no_fault_of_the_server(keeper: Page) -> None:
    await keeper.goto("/upload")
    status = await keeper.evaluate(
        """async () => {
            const token = document.querySelector("[name=csrf_token]").value;
            const odd = { reason: "a\\0b" + "x".repeat(900), mailbox_id: "\\ud800" };
            const fields = new URLSearchParams({ csrf_token: token, ...odd });
            return (await fetch("/dead-letters/retry", { method: "POST", body: fields })).status;
        }"""
    )
    assert status == 200
