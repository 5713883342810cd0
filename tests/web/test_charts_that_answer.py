"""Charts answer the mouse, a finger and the keyboard; times are those of the reader."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.web.sites import PHONE, Site, visiting
from tests.web.stored_facts import SENDGRID

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def plot_of(page: Page) -> Locator:
    return page.locator("#messages .plot")


async def middle(page: Page, place: int, of: int = 7) -> tuple[float, float]:
    await plot_of(page).scroll_into_view_if_needed()
    box = await plot_of(page).bounding_box()
    assert box is not None
    return box["x"] + (place + 0.5) * box["width"] / of, box["y"] + box["height"] / 2


async def test_a_mouse_over_a_bar_shows_its_values(reader: Page) -> None:
    await reader.goto("/?days=7")
    await reader.mouse.move(*await middle(reader, 2))
    told = plot_of(reader).locator(".plot-told")
    await expect(told).to_have_text(re.compile(r"^\d+ \w+ \d{4}: [\d,]+ messages; Passed [\d,]+"))
    await reader.mouse.move(0, 0)
    await expect(told).to_be_hidden()


async def test_a_click_opens_the_reports_of_the_day(reader: Page) -> None:
    await reader.goto("/?days=7")
    await reader.mouse.click(*await middle(reader, 5))
    await reader.wait_for_url(f"**/reports?kind=aggregate&since={YESTERDAY}&until={YESTERDAY}")
    await expect(reader.locator("#reports tbody tr").first).to_be_visible()


async def test_a_drag_shows_those_days_alone(reader: Page) -> None:
    await reader.goto("/?days=7")
    await reader.mouse.move(*await middle(reader, 5))
    await reader.mouse.down()
    await reader.mouse.move(*await middle(reader, 3), steps=4)
    assert await plot_of(reader).locator(".slot.is-chosen").count() == 3
    await reader.mouse.up()
    await reader.wait_for_url(f"**/?since=*&until={YESTERDAY}")
    await expect(reader.locator("#messages .slot")).to_have_count(3)


async def test_arrow_keys_go_from_day_to_day_and_enter_opens_one(reader: Page) -> None:
    await reader.goto("/?days=7")
    plot = reader.get_by_role("slider", name="Messages over time")
    await reader.get_by_role("link", name="Link to: Messages over time").focus()
    await reader.keyboard.press("Tab")
    await expect(plot).to_be_focused()
    await reader.keyboard.press("ArrowLeft")
    await expect(plot).to_have_attribute("aria-valuenow", "6")
    await expect(plot).to_have_attribute("aria-valuetext", re.compile("messages"))
    await expect(plot.locator(".plot-told")).to_be_visible()
    await reader.keyboard.press("Shift+ArrowLeft")
    assert await plot.locator(".slot.is-chosen").count() == 2
    await reader.keyboard.press("Escape")
    await expect(plot.locator(".plot-told")).to_be_hidden()
    await reader.keyboard.press("End")
    await reader.keyboard.press("ArrowLeft")
    await reader.keyboard.press("Enter")
    await reader.wait_for_url(f"**/reports?*until={YESTERDAY}")


async def test_a_first_touch_shows_the_values_and_a_second_one_opens_the_day(browser: Browser, filled: Site) -> None:
    async with visiting(browser, filled, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        await page.goto("/?days=7")
        await page.touchscreen.tap(*await middle(page, 5))
        await expect(plot_of(page).locator(".plot-told")).to_contain_text("messages")
        assert "days=7" in page.url
        await page.touchscreen.tap(*await middle(page, 5))
        await page.wait_for_url(f"**/reports?*until={YESTERDAY}")


async def test_the_table_beside_leads_to_the_same_days(reader: Page) -> None:
    await reader.goto(f"/sources/{SENDGRID}#history")
    await reader.locator("#history-table summary").click()
    row = reader.get_by_role("table", name="Messages by day").locator("tbody tr").last
    await row.get_by_role("link").click()
    await reader.wait_for_url(f"**/sources/{SENDGRID}?since={YESTERDAY}&until={YESTERDAY}")
    await expect(reader.get_by_role("table", name="Records that name this address").locator("tbody tr")).to_have_count(
        1
    )


@pytest.mark.parametrize("path", ["/reports", "/mails"])
async def test_times_are_those_of_the_reader(browser: Browser, filled: Site, path: str) -> None:
    async with visiting(browser, filled, timezone_id="Asia/Kolkata") as page:
        await page.goto(path)
        time = page.locator("main time[datetime*=T]:not([datetime$='T00:00:00Z'])").last
        await expect(time).to_have_attribute("data-local", "")
        at = datetime.fromisoformat(await time.get_attribute("datetime") or "")
        local = at + timedelta(hours=5, minutes=30)
        assert await time.inner_text() == local.strftime("%Y-%m-%d %H:%M")
        assert "UTC" in (await time.get_attribute("title") or "")


async def test_a_decision_is_made_on_the_page_of_a_source(browser: Browser, filled: Site) -> None:
    async with visiting(browser, filled) as page:
        await page.goto("/sources?by=address")
        await page.get_by_role("link", name="198.51.100.40").first.click()
        await page.get_by_label("Decision").select_option("Ours")
        await page.get_by_label("Note").fill("our list server")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#decision")).to_contain_text("Ours for all domains, said by admin")
        await page.get_by_label("Decision").select_option("No decision")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#decision")).not_to_contain_text("said by admin")
