import asyncio
import re
from dataclasses import replace
from pathlib import Path

import nats
import pytest
from playwright.async_api import Page, expect

from config_api.dead_letters.retry import MAX_RETRIED
from pipeline.contracts.dead_letter import dead_letters
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import KEY, Envelope, Parcel, encode
from pipeline.errors import Dead
from pipeline.jetstream.bus import Bus
from tests.support.events import SAMPLES
from tests.web.sites import Site, keep


async def _put_dead_letters(site: Site, *, times: int = 1) -> None:
    """A mail's event that no retry could help, as the runtime keeps it."""
    client = await nats.connect(site.nats_url)
    try:
        wire = encode(Envelope(SAMPLES[0], (Parcel.of(b"Subject: a mail\r\n\r\nhello"),)))
        letters = dead_letters(wire, Dead(Reason.BUG, "ValueError: <b>seven</b>"), consumer="extractor", deliveries=5)
        for number in range(times):
            letter = replace(letters[0], headers={**letters[0].headers, KEY: f"letter-{number}"})
            await Bus(client).publish_wires([letter])
    finally:
        await client.close()


@pytest.fixture
async def letter(empty: Site) -> None:
    await _put_dead_letters(empty)


@pytest.mark.usefixtures("letter")
async def test_a_dead_letter_is_looked_at_downloaded_and_retried(keeper: Page, empty: Site) -> None:
    await keeper.goto("/attention")
    await expect(keeper.get_by_role("link", name="An unexpected error; please report it (1)")).to_be_visible()
    await keep(keeper, "dead-letters-one")
    await keeper.get_by_role("link", name="Report Domain: exämple.com").click()
    await expect(keeper.locator("pre")).to_have_text("ValueError: <b>seven</b>")
    await keep(keeper, "dead-letter")
    async with keeper.expect_download() as starting:
        await keeper.get_by_role("link", name="Download email").click()
    path = await (await starting.value).path()
    assert await asyncio.to_thread(Path(path).read_bytes) == b"Subject: a mail\r\n\r\nhello"
    async with keeper.expect_download() as starting:
        await keeper.get_by_role("link", name="Anonymised copy").click()
    path = await (await starting.value).path()
    assert (await asyncio.to_thread(Path(path).read_bytes)).startswith(b"Subject: a mail\r\n\r\n")
    await keeper.get_by_role("button", name="Retry").click()
    await expect(keeper.get_by_role("heading", name="Nothing needs attention")).to_be_visible()
    client = await nats.connect(empty.nats_url)
    again = await client.jetstream().get_last_msg("MAIL", "mail.fetched.reports")
    await client.close()
    assert b'"take":2' in (again.data or b"") + str(again.headers).encode()


@pytest.mark.usefixtures("letter")
async def test_all_letters_of_a_reason_are_retried_at_once(keeper: Page) -> None:
    await keeper.goto("/attention?reason=bug")
    await keeper.get_by_role("button", name="Retry all of these").click()
    await expect(keeper.get_by_role("heading", name="Nothing needs attention")).to_be_visible()


@pytest.mark.usefixtures("letter")
async def test_only_the_letters_of_the_chosen_mailbox_are_retried(keeper: Page) -> None:
    await keeper.goto("/attention?mailbox_id=reports")
    await keeper.get_by_role("link", name="An unexpected error; please report it (1)").click()
    await expect(keeper).to_have_url(re.compile("mailbox_id=reports"))
    form = keeper.locator("form[action='/dead-letters/retry']")
    await form.locator("[name=mailbox_id]").evaluate("field => field.value = 'another'")
    await form.get_by_role("button").click()
    await keeper.goto("/attention")
    await expect(keeper.locator("tbody tr")).to_have_count(1)


async def test_letters_that_one_press_cannot_send_are_told_of(keeper: Page, empty: Site) -> None:
    await _put_dead_letters(empty, times=MAX_RETRIED + 1)
    await keeper.goto("/attention?reason=bug")
    await keeper.get_by_role("button", name="Retry all of these").click()
    await expect(keeper.get_by_role("status")).to_contain_text(f"{MAX_RETRIED} sent on their way again, more remain")
    await keeper.get_by_role("button", name="Retry all of these").click()
    await expect(keeper.get_by_role("heading", name="Nothing needs attention")).to_be_visible()


@pytest.mark.usefixtures("letter")
async def test_a_dead_letter_is_discarded_only_after_a_question(keeper: Page) -> None:
    await keeper.goto("/attention")
    await keeper.get_by_role("button", name="Actions").click()
    await keeper.get_by_role("link", name="Discard").click()
    await keeper.get_by_role("link", name="Keep it").click()
    await expect(keeper.locator("tbody tr")).to_have_count(1)
    await keeper.get_by_role("button", name="Actions").click()
    await keeper.get_by_role("link", name="Discard").click()
    await keeper.get_by_role("button", name="Discard").click()
    await expect(keeper.get_by_role("heading", name="Nothing needs attention")).to_be_visible()
