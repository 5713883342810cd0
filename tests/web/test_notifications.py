"""Setting up channels and rules in a browser."""

from playwright.async_api import Page, expect

HERE = "/settings/notifications"


async def test_a_webhook_is_added_its_key_shown_once_and_its_test_needs_a_notifier(keeper: Page) -> None:
    await keeper.goto(HERE)
    await keeper.get_by_role("link", name="Add webhook").click()
    await keeper.get_by_label("Name", exact=True).fill("Operations")
    await keeper.get_by_label("URL").fill("https://hooks.example.com/a-secret-token")
    await keeper.get_by_role("button", name="Save").click()

    key = await keeper.locator("#signing-key").inner_text()
    assert key.startswith("whsec_")
    await keeper.goto(HERE)
    assert key not in await keeper.content()
    await keeper.get_by_role("button", name="Test").click()
    await expect(keeper.get_by_text("The test was not sent.")).to_be_visible()
    await expect(keeper.get_by_text("No notifier is running")).to_be_visible()

    await keeper.get_by_role("link", name="Operations").click()
    assert await keeper.get_by_label("URL").input_value() == ""
    assert "secret-token" not in await keeper.content()


async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(keeper: Page) -> None:
    await keeper.goto(f"{HERE}/channels/new?kind=email")
    await keeper.get_by_label("Name", exact=True).fill("Mail")
    await keeper.get_by_label("SMTP server").fill("smtp.example.com")
    await keeper.get_by_label("From", exact=True).fill("no address")
    await keeper.get_by_label("To", exact=True).fill("ops@example.com")
    await keeper.get_by_role("button", name="Save").click()

    await expect(keeper.locator("#sender-fault")).to_contain_text("mail address")
    assert await keeper.get_by_label("SMTP server").input_value() == "smtp.example.com"


async def test_a_rule_is_changed_and_set_back(keeper: Page) -> None:
    await keeper.goto(f"{HERE}/rules")
    await keeper.get_by_role("link", name="Emails became dead letters").click()
    await keeper.get_by_label("Threshold").fill("25")
    await keeper.get_by_label("Quiet from").fill("22:00")
    await keeper.get_by_label("Quiet until").fill("07:00")
    await keeper.get_by_role("button", name="Save").click()
    await expect(keeper.get_by_text("Emails in a day: 25")).to_be_visible()

    await keeper.get_by_role("link", name="Emails became dead letters").click()
    assert await keeper.get_by_label("Quiet from").input_value() == "22:00"
    await keeper.get_by_role("button", name="Back to the defaults").click()
    await expect(keeper.get_by_text("Emails in a day: 1").first).to_be_visible()
