"""The digest's figures from a real database, and how it reads."""

from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from notifier import look
from notifier.alerts import Options
from notifier.digest.figures import Figures, figures
from notifier.digest.period import Period
from notifier.digest.render import render
from notifier.digest.write import write_digests
from pipeline.notifications.channels import DigestRhythm
from pipeline.postgres.connection import Database
from tests.support.fixtures_postgres import rows, values
from tests.support.notifying import put_channel
from tests.web.stored_facts import fill

TODAY = datetime.now(UTC).date()
LAST_WEEK = Period(DigestRhythm.WEEKLY, TODAY - timedelta(days=7), TODAY - timedelta(days=1))
SUMS = """
SELECT sum(messages)::bigint AS messages, sum(passed)::bigint AS passed, sum(reports)::bigint AS reports
FROM overview_domain_now WHERE day BETWEEN $1 AND $2
"""


@pytest.fixture
async def filled(postgres: Database, migrated_url: str) -> Database:
    """Six weeks of reports."""
    await fill(migrated_url)
    return postgres


async def read(postgres: Database, period: Period, domains: tuple[str, ...] = ()) -> Figures:
    async with postgres.connection() as connection:
        return await figures(connection, period, domains)


async def test_the_sums_are_those_of_the_overview_for_the_period_and_the_one_before(filled: Database) -> None:
    found = (await read(filled, LAST_WEEK)).totals
    (now,) = await rows(filled, SUMS, LAST_WEEK.first, LAST_WEEK.last)
    (before,) = await rows(filled, SUMS, LAST_WEEK.before.first, LAST_WEEK.before.last)

    assert (found.messages, found.passed, found.reports) == (now["messages"], now["passed"], now["reports"])
    assert (found.messages_before, found.reports_before) == (before["messages"], before["reports"])


async def test_a_digest_may_be_about_some_domains(filled: Database) -> None:
    found = await read(filled, LAST_WEEK, ("example.org",))

    assert [domain.domain for domain in found.domains] == ["example.org"]
    assert {source.domain for source in found.sources} == {"example.org"}


async def test_failing_sources_are_named_the_worst_first(filled: Database) -> None:
    found = await read(filled, LAST_WEEK)

    assert found.sources
    assert [source.failed for source in found.sources] == sorted((s.failed for s in found.sources), reverse=True)
    assert all(0 < source.failed <= source.messages for source in found.sources)


async def test_a_hostile_name_is_text_in_html_and_one_line_in_text(filled: Database) -> None:
    rendered = render(await read(filled, LAST_WEEK), LAST_WEEK, public_url="https://dmarq.example/")

    assert "<script" not in rendered.html
    assert "&lt;img src=x" in rendered.html
    assert set(tags(rendered.html)) <= {
        "html", "head", "meta", "title", "body", "main", "p", "h1", "h2", "table", "thead", "tbody", "tr", "th", "td",
        "span", "strong", "br", "a", "div",
    }  # fmt: skip
    assert "https://dmarq.example/" in rendered.text


async def test_a_quiet_week_is_sent_too_and_says_so(postgres: Database) -> None:
    rendered = render(await read(postgres, LAST_WEEK), LAST_WEEK, public_url="https://dmarq.example")

    assert "no reports" in rendered.title
    for text in (rendered.text, rendered.html):
        assert "A quiet week" in text
        assert "when it does not come, something is wrong" in text


async def test_each_channel_gets_each_period_once(filled: Database) -> None:
    await put_channel(filled, "daily", url="https://x.example/", digest="daily", digest_hour=0)
    await put_channel(filled, "weekly", url="https://x.example/", digest="weekly")
    await put_channel(filled, "none", url="https://x.example/")
    options = Options("https://dmarq.example")
    now = datetime.now(UTC)

    written = [await write_digests(filled, now, options) for _ in range(3)]
    tomorrow = await write_digests(filled, now + timedelta(days=1), options)

    assert written == [2, 0, 0]
    assert tomorrow >= 1
    keys = await values(filled, "SELECT key FROM notify_delivery ORDER BY id")
    assert keys[0] == f"digest.daily.{TODAY - timedelta(days=1)}"
    payload = (await values(filled, "SELECT payload FROM notify_delivery ORDER BY id LIMIT 1"))[0]
    assert payload["figures"]["domains"]


async def test_the_facts_of_the_rules_are_read_from_the_same_reports(filled: Database) -> None:
    found = await look.reported(filled, datetime.now(UTC))

    assert {day.domain for day in found.domain_days} == {"example.com", "news.example.com", "example.org"}
    assert all(day.messages >= day.passed >= 0 for day in found.domain_days)
    assert all(source.week >= source.week_passed >= 0 and source.before >= 0 for source in found.sources)
    assert found.reporters
    assert found.policies
    assert max(day.day for day in found.domain_days) < date.max


def tags(html: str) -> list[str]:
    """The names of its elements."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert not any(name.startswith("on") for name, _ in attrs)
            found.append(tag)

    Reader().feed(html)
    return found
