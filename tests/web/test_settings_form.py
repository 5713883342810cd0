from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.sites import Site, keep, visiting

ACCOUNT = {"host": "imap.example.com", "username": "dmarc@example.com", "password": "correct horse battery"}
SECRET = ACCOUNT["password"]


def _add(site: Site, **settings: Any) -> str:
    return str(site.api("POST", "/mailboxes", {"name": "Reports", **ACCOUNT, **settings})["id"])


@pytest.mark.parametrize("script", [True, False])
async def test_every_setting_is_saved_as_it_was_typed(browser: Browser, empty: Site, script: bool) -> None:
    async with visiting(browser, empty, java_script_enabled=script) as page:
        await page.goto("/settings/mailboxes/new")
        await _fill_everything(page, script=script)
        await page.get_by_role("button", name="Save Changes").click()
        await expect(page.get_by_role("status")).to_contain_text("The mailbox was saved")
    found = empty.api("GET", "/mailboxes")["items"][0]
    wanted = {
        "name": "Our reports",
        "enabled": False,
        "host": "mail.example.org",
        "port": 1143,
        "security": "starttls",
        "verify_certificate": False,
        "username": "dmarc",
        "has_password": True,
        "folder": "Reports",
        "use_idle": False,
        "folders": ["Other"],
        "dry_run": True,
        "poll_interval_minutes": 7.5,
        "on_failed": {"action": "mark_read", "folder": None},
        "filters": {"subject_contains": ["Report domain:", "DMARC"], "senders": ["example.net"], "max_age_days": 90},
        "on_processed": {"action": "move", "folder": "Done"},
        "on_not_a_report": {"action": "delete", "folder": None},
        "attachments": {"formats": ["zip", "gz"], "max_bytes": 2621440, "priority": ["zip", "xml", "gz", "eml"]},
    }
    assert {name: found[name] for name in wanted} == wanted


async def _fill_everything(page: Page, *, script: bool) -> None:
    form = page.locator("#mailbox-form")
    await page.locator("#advanced > summary").click()
    texts = {
        "Name": "Our reports",
        "IMAP Server": "mail.example.org",
        "Username": "dmarc",
        "Password": SECRET,
        "Folder": "Reports",
        "More folders": "Other",
        "Polling Interval (minutes)": "7.5",
        "Subject Filter": "Report domain:\nDMARC\n\n",
        "Sender Filter": "example.net",
        "Age Filter (days)": "90",
        "Size Limit (MB)": "2.5",
    }
    for label, text in texts.items():
        await (
            form.get_by_role("textbox", name=label, exact=True)
            .or_(form.get_by_label(label, exact=True))
            .first.fill(text)
        )
    await form.get_by_label("Use SSL/TLS").select_option("starttls")
    assert await form.get_by_label("IMAP Port", exact=True).input_value() == ("143" if script else "993")
    await form.get_by_label("IMAP Port", exact=True).fill("1143")
    for label in ("Enable IMAP", "Verify certificate", "Wait for new email (IDLE)"):
        await form.get_by_label(label).uncheck()
    await form.get_by_label("Dry run").check()
    for label in ("XML (not", "EML (reports"):
        await form.get_by_role("checkbox", name=label).uncheck()
    await _zip_first(page, script=script)
    await form.get_by_label("After processing").select_option("move")
    await form.get_by_label("Folder to move to").first.fill("Done")
    await form.get_by_label("After a failure").select_option("mark_read")
    await form.get_by_label("Email without a report").select_option("delete")


async def _zip_first(page: Page, *, script: bool) -> None:
    """With script by a button and the keyboard, without by choosing the places."""
    if script:
        await page.get_by_role("button", name="Move ZIP archives up").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-order-told]")).to_have_text("ZIP archives: place 1")
        return
    await page.get_by_label("Place of ZIP").select_option("1")
    await page.get_by_label("Place of XML").select_option("2")


async def test_a_wrong_value_is_named_at_its_field_and_nothing_typed_is_lost(keeper: Page) -> None:
    await keeper.goto("/settings/mailboxes/new")
    await keeper.get_by_label("Name", exact=True).fill("Reports")
    await keeper.get_by_label("IMAP Server", exact=True).fill("imap.example.com")
    await keeper.get_by_label("IMAP Port", exact=True).fill("70000")
    await keeper.get_by_label("After processing").select_option("move")
    await keeper.get_by_role("button", name="Save Changes").click()
    await expect(keeper.get_by_role("alert")).to_contain_text("Nothing was saved yet")
    await expect(keeper.locator("#port-fault")).to_contain_text("65535")
    await expect(keeper.get_by_label("IMAP Port", exact=True)).to_have_attribute("aria-invalid", "true")
    await expect(keeper.get_by_label("IMAP Server", exact=True)).to_have_value("imap.example.com")
    await expect(keeper.locator("[id='on_processed.folder-fault']")).to_contain_text("Enter the folder")
    await expect(keeper.get_by_label("IMAP Port", exact=True)).to_be_focused()
    await keep(keeper, "mailbox-faults")


async def test_a_saved_password_never_comes_back(keeper: Page, empty: Site) -> None:
    mailbox = _add(empty)
    for path in ("", "/activity"):
        await keeper.goto(f"/settings/mailboxes/{mailbox}{path}")
        assert SECRET not in await keeper.content()
    await keeper.goto(f"/settings/mailboxes/{mailbox}")
    field = keeper.get_by_label("Password", exact=True)
    await expect(field).to_have_attribute("placeholder", "unchanged")
    await keeper.get_by_label("Folder", exact=True).fill("Reports")
    await keeper.get_by_role("button", name="Save Changes").click()
    await expect(keeper.get_by_role("status")).to_contain_text("The mailbox was saved")
    assert empty.api("GET", f"/mailboxes/{mailbox}")["has_password"]


async def test_an_unchecked_certificate_is_warned_about(keeper: Page) -> None:
    await keeper.goto("/settings/mailboxes/new")
    warning = keeper.get_by_text("The server's certificate is not checked.")
    await expect(warning).to_be_hidden()
    await keeper.locator("#advanced > summary").click()
    await keeper.get_by_label("Verify certificate").uncheck()
    await expect(warning).to_be_visible()


async def test_what_is_unsafe_about_a_mailbox_is_marked_wherever_it_is_shown(keeper: Page, empty: Site) -> None:
    safe = _add(empty)
    unchecked = _add(empty, name="Unchecked", verify_certificate=False)
    open_to_all = _add(empty, name="Open", security="none", port=143)
    await keeper.goto("/settings/mailboxes")
    await expect(keeper.get_by_role("row", name="Unchecked")).to_contain_text("Certificate not checked")
    await expect(keeper.get_by_role("row", name="Open")).to_contain_text("Not encrypted")
    await expect(keeper.get_by_role("row", name="Reports")).not_to_contain_text("ot checked")
    await keep(keeper, "mailbox-unsafe")
    for path in ("", "/activity"):
        await keeper.goto(f"/settings/mailboxes/{unchecked}{path}")
        await expect(keeper.locator("#now")).to_contain_text("Certificate not checked")
        await keeper.goto(f"/settings/mailboxes/{open_to_all}{path}")
        await expect(keeper.locator("#now")).to_contain_text("Not encrypted")
    await keeper.goto(f"/settings/mailboxes/{safe}")
    await expect(keeper.locator("#now")).not_to_contain_text("Not encrypted")


async def test_an_emptied_endpoint_is_forgotten(keeper: Page, empty: Site) -> None:
    places = {name: f"https://old.example.com/{name}" for name in ("token", "device", "authorization")}
    oauth = {"client_id": "abc", **{f"{name}_endpoint": url for name, url in places.items()}, "scope": "imap"}
    mailbox = _add(empty, auth="xoauth2", oauth=oauth, client_secret="old", refresh_token="old")
    await keeper.goto(f"/settings/mailboxes/{mailbox}")
    await keeper.get_by_label("Provider").select_option("google")
    for label in ("Token endpoint", "Device endpoint", "Sign-in page", "Scope"):
        field = keeper.get_by_label(label, exact=True)
        assert await field.input_value()
        await field.fill("")
    for label in ("Client secret", "Refresh token"):
        await keeper.get_by_label(label).fill("new")
    await keeper.get_by_role("button", name="Save Changes").click()
    await expect(keeper.get_by_role("status")).to_contain_text("The mailbox was saved")
    after = empty.api("GET", f"/mailboxes/{mailbox}")["oauth"]
    assert after["provider"] == "google"
    assert [after[f"{name}_endpoint"] for name in places] == [None, None, None]
    assert after["scope"] == ""


async def test_two_tabs_that_edit_see_each_other_and_lose_nothing(keeper: Page, empty: Site) -> None:
    mailbox = _add(empty)
    other = await keeper.context.new_page()
    for page in (keeper, other):
        await page.goto(f"/settings/mailboxes/{mailbox}")
    await other.get_by_label("Folder", exact=True).fill("Theirs")
    await other.get_by_role("button", name="Save Changes").click()
    await expect(other.get_by_role("status")).to_contain_text("was saved")
    await keeper.get_by_label("Folder", exact=True).fill("Mine")
    await keeper.get_by_role("button", name="Save Changes").click()
    alert = keeper.get_by_role("alert")
    await expect(alert).to_contain_text("Somebody else saved this mailbox while you were editing.")
    assert await alert.locator("tbody tr").all_inner_texts() == ["Folder\t“Theirs”\t“Mine”"]
    await keep(keeper, "mailbox-conflict")
    assert empty.api("GET", f"/mailboxes/{mailbox}")["folder"] == "Theirs"
    await keeper.get_by_role("button", name="Save Changes").click()
    await expect(keeper.get_by_role("status")).to_contain_text("was saved")
    assert empty.api("GET", f"/mailboxes/{mailbox}")["folder"] == "Mine"


async def test_a_mailbox_is_paused_resumed_and_removed_after_a_question(keeper: Page, empty: Site) -> None:
    mailbox = _add(empty)
    await keeper.goto("/settings/mailboxes")
    await _choose(keeper, "Pause")
    await expect(keeper.locator("#mailboxes")).to_contain_text("Paused")
    assert empty.api("GET", f"/mailboxes/{mailbox}")["enabled"] is False
    await _choose(keeper, "Resume")
    await expect(keeper.get_by_role("status")).to_contain_text("Resumed")
    assert empty.api("GET", f"/mailboxes/{mailbox}")["enabled"] is True
    await _choose(keeper, "Remove Reports", role="link")
    await keeper.get_by_role("button", name="Remove mailbox").click()
    await expect(keeper.get_by_role("heading", name="Add your first mailbox")).to_be_visible()


async def test_a_test_without_a_fetcher_says_so(keeper: Page) -> None:
    await keeper.goto("/settings/mailboxes/new")
    for label, text in (("Name", "R"), ("IMAP Server", "imap.example.com"), ("Username", "u")):
        await keeper.get_by_label(label, exact=True).fill(text)
    await keeper.get_by_role("button", name="Test Connection").click()
    await expect(keeper.locator("#test-result")).to_contain_text("The connection is tested by a fetcher; start one.")


async def test_oauth_is_within_reach_without_a_script_and_out_of_the_way_with_one(
    browser: Browser, empty: Site
) -> None:
    for script in (True, False):
        async with visiting(browser, empty, java_script_enabled=script) as page:
            await page.goto("/settings/mailboxes/new")
            await expect(page.get_by_label("Client id")).to_be_visible(visible=not script)
            await page.get_by_label("Sign-in method").select_option("xoauth2")
            await expect(page.get_by_label("Client id")).to_be_visible()


async def _choose(page: Page, action: str, *, role: Literal["button", "link"] = "button") -> None:
    """Out of the menu of a mailbox's row."""
    await page.locator("#mailboxes .menu > summary").click()
    await page.locator("#mailboxes .menu").get_by_role(role, name=action, exact=True).click()


async def test_one_switch_pauses_everything_and_leaves_each_mailbox_as_it_was(keeper: Page, empty: Site) -> None:
    both = [_add(empty), _add(empty, name="Paused by itself", enabled=False)]
    await keeper.goto("/settings/mailboxes")
    await keeper.get_by_role("button", name="Pause all").click()
    await expect(keeper.locator("#all-paused")).to_contain_text("IMAP is switched off.")
    found = empty.api("GET", "/mailboxes")
    assert found["enabled"] is False
    assert [each["state"]["word"] for each in found["items"]] == ["paused", "paused"]
    assert [empty.api("GET", f"/mailboxes/{each}")["enabled"] for each in both] == [True, False]
    await keep(keeper, "all-paused")
    await keeper.get_by_role("button", name="Enable IMAP").click()
    await expect(keeper.get_by_role("status")).to_contain_text("IMAP is enabled")
    found = empty.api("GET", "/mailboxes")
    assert found["enabled"] is True
    assert {each["id"]: each["state"]["word"] for each in found["items"]} == dict(
        zip(both, ("never", "paused"), strict=True)
    )


async def test_the_fields_of_the_guide_are_enough_and_a_pasted_server_is_understood(keeper: Page, empty: Site) -> None:
    await keeper.goto("/settings/mailboxes/new")
    for label, text in {
        "IMAP Server": "imap.example.com:143/", "Username": "dmarc@example.com", "Password": SECRET,
    }.items():  # fmt: skip
        await keeper.get_by_label(label, exact=True).fill(text)
    await keeper.get_by_role("button", name="Save Changes").click()
    await expect(keeper.get_by_role("status")).to_contain_text("The mailbox was saved")
    (found,) = empty.api("GET", "/mailboxes")["items"]
    assert (found["name"], found["host"], found["port"], found["security"]) == (
        "dmarc@example.com", "imap.example.com", 143, "starttls",
    )  # fmt: skip


async def test_what_is_missing_is_said_in_words_and_a_lost_password_is_not_lost_without_one(keeper: Page) -> None:
    await keeper.goto("/settings/mailboxes/new")
    await keeper.get_by_label("Password", exact=True).fill(SECRET)
    await keeper.get_by_label("Sender Filter").fill("not an address")
    await keeper.get_by_role("button", name="Save Changes").click()
    alert = keeper.get_by_role("alert")
    await expect(alert).to_contain_text("Name, IMAP Server, Username.")
    await expect(keeper.get_by_label("Name", exact=True)).to_be_focused()
    await expect(keeper.locator("#name-fault")).to_have_text("Enter a name.")
    await expect(keeper.locator("#password-fault")).to_contain_text("Type it again")
    assert SECRET not in await keeper.content()
    for label, text in (("IMAP Server", "imap.example.com"), ("Username", "u@example.com")):
        await keeper.get_by_label(label, exact=True).fill(text)
    for format in ("XML (not", "ZIP archives", "GZ (gzip)", "EML (reports"):
        await keeper.get_by_role("checkbox", name=format).uncheck()
    await keeper.get_by_label("After processing").select_option("move")
    await keeper.get_by_label("Folder to move to").first.fill("inbox")
    await keeper.get_by_role("button", name="Save Changes").click()
    await expect(alert).to_contain_text("Sender Filter, Supported Formats, After processing.")
    await expect(keeper.locator("[id='filters.senders-fault']")).to_contain_text("an address such as")
    await expect(keeper.locator("[id='attachments.formats-fault']")).to_contain_text("at least one format")
    await expect(keeper.locator("[id='on_processed.folder-fault']")).to_contain_text("fetched again")


async def test_a_new_mailbox_is_not_saved_without_its_password(keeper: Page, empty: Site) -> None:
    await keeper.goto("/settings/mailboxes/new")
    for label, text in (("IMAP Server", "imap.example.com"), ("Username", "u@example.com")):
        await keeper.get_by_label(label, exact=True).fill(text)
    await keeper.get_by_role("button", name="Save Changes").click()
    await expect(keeper.get_by_role("alert")).to_contain_text("Nothing was saved yet. Please look again at Password.")
    await expect(keeper.locator("#password-fault")).to_have_text("Enter the password.")
    assert empty.api("GET", "/mailboxes")["items"] == []
    await keeper.get_by_label("Password", exact=True).fill(SECRET)
    await keeper.get_by_role("button", name="Save Changes").click()
    await expect(keeper.get_by_role("status")).to_contain_text("The mailbox was saved")


async def test_a_change_is_told_with_both_values_and_no_secret(keeper: Page, empty: Site) -> None:
    mailbox = _add(empty)
    await keeper.goto(f"/settings/mailboxes/{mailbox}")
    await keeper.get_by_label("Folder", exact=True).fill("Reports")
    await keeper.get_by_label("Size Limit (MB)").fill("2")
    await keeper.get_by_label("Password", exact=True).fill("another secret of mine")
    await keeper.get_by_role("button", name="Save Changes").click()
    await keeper.goto(f"/settings/mailboxes/{mailbox}/activity")
    changes = keeper.locator("#changes")
    await expect(changes).to_contain_text("Folder from “INBOX” to “Reports”")
    await expect(changes).to_contain_text("Size Limit from 10 MB to 2 MB")
    await expect(changes).to_contain_text("Password")
    await expect(changes).not_to_contain_text("another secret")
    await expect(changes).not_to_contain_text("max_bytes")
