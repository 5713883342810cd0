"""The digest as a mail program shows it: rendered in Chromium, accessible, and no wider than the screen."""

from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from notifier.digest.figures import AlertFigures, DomainFigures, Figures, MailboxFigures, ReporterFigures, SourceFigures
from notifier.digest.period import Period
from notifier.digest.render import render
from pipeline.notifications.channels import DigestRhythm
from tests.web.sites import DESKTOP, PHONE, keep
from tests.web.stored_facts import HOSTILE

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
WEEK = Period(DigestRhythm.WEEKLY, NOW.date() - timedelta(days=7), NOW.date() - timedelta(days=1))
LISTS = ("domains_wanted", "domains", "sources", "reporters", "mailboxes", "alerts")
NOTHING = {
    "first": WEEK.first, "last": WEEK.last, "rhythm": "weekly", "reporter_count": 0, "outcomes": {},
    **dict.fromkeys(LISTS, ()),
}  # fmt: skip
FULL = Figures.model_validate({
    **NOTHING,
    "domains": (
        DomainFigures(domain="example.com", reports=84, messages=412_345, passed=409_000, blocked=3_100,
                      messages_before=380_000, passed_before=379_000, reports_before=80),
        DomainFigures(domain="a-rather-long-name.of-a-subsidiary.example.org", reports=8, messages=311, passed=120,
                      blocked=0, messages_before=0, passed_before=0, reports_before=0),
    ),
    "sources": (
        SourceFigures(domain="example.com", address="203.0.113.77", name="Mailchimp", messages=3_000,
                      failed=2_950, is_new=True),
        SourceFigures(domain="a-rather-long-name.of-a-subsidiary.example.org",
                      address="2001:db8:25:1234:5678:9abc:de01:7",
                      messages=191, failed=191, is_new=False),
    ),
    "reporters": (ReporterFigures(name="google.com", reports=40, messages=300_000),
                  ReporterFigures(name=HOSTILE, reports=2, messages=1)),
    "reporter_count": 14,
    "mailboxes": (MailboxFigures(name="DMARC reports", enabled=True, category="ok", good_at=NOW),
                  MailboxFigures(name="Old mailbox", enabled=True, category="auth_expired", good_at=NOW)),
    "outcomes": {"imported": 90, "failed": 2},
    "alerts": (
        AlertFigures(title="192.0.2.10 begins to fail for example.com", detail="120 of 130 messages failed.", link="/",
                     urgency="critical", opened_at=NOW, resolved_at=None),
        AlertFigures(title="2 emails could not be read", detail="Reason: the document is damaged beyond repair.",
                     link="/dead-letters", urgency="warning", opened_at=NOW, resolved_at=NOW),
    ),
})  # fmt: skip


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("kind", ["full", "quiet"])
async def test_a_digest_is_accessible_and_as_wide_as_the_screen(
    browser: Browser, look: dict[str, int], kind: str
) -> None:
    figures = FULL if kind == "full" else Figures.model_validate(NOTHING)
    context = await browser.new_context(viewport=look)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.set_content(render(figures, WEEK, public_url="https://dmarq.example").html)
    await keep(page, f"digest-{kind}-{look['width']}")

    assert await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert await page.locator("script, img").count() == 0
    assert (await Axe().run(page)).response["violations"] == []
    await context.close()
