"""A real Chromium, and sites for it: one filled with some weeks of reports for all tests, empty ones for each test.

The browser is started once; each test has a context of its own in it, as separate as another browser. So the tests here
share an event loop, the one that the browser's driver lives in.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.support.servers import fresh_database, running_nats
from tests.web.sites import Site, served_site, visiting, whole_site
from tests.web.stored_alerts import tell_alerts
from tests.web.stored_facts import MAILBOX, fill

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = Path(__file__).parent
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the one loop; put first, so that nothing else decides."""
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium is installed: tried " + ", ".join(PROGRAMS))
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        await opened.close()


@pytest.fixture(scope="session")
def filled(postgres_server: str, migrated_template: str) -> Iterator[Site]:
    """A site with mailboxes and reports, for tests that only look."""
    with fresh_database(postgres_server, template=migrated_template) as url, running_nats() as nats_url:
        asyncio.run(fill(url))
        with served_site(nats_url=nats_url, database_url=url) as site:
            account = {"host": "imap.example.com", "username": "dmarc@example.com", "password": "x" * 12}
            site.api("POST", "/mailboxes", {"id": MAILBOX, "name": "DMARC reports", **account})
            site.api("POST", "/mailboxes", {"name": "Old mailbox", "enabled": False, **account})
            customer = {"name": "customer@example.com", "role": "viewer", "domains": ["example.com"]}
            site.api("POST", "/users", {**customer, "password": "a long enough password"})
            tell_alerts(site)
            yield site


@pytest.fixture
def empty(nats_url: str, migrated_url: str) -> Iterator[Site]:
    """A site of the test's own with nothing in it, and no other service."""
    with served_site(nats_url=nats_url, database_url=migrated_url) as site:
        yield site


@pytest.fixture
def whole(nats_url: str, migrated_url: str, tmp_path: Path) -> Iterator[Site]:
    """A site of the test's own with all four services."""
    with whole_site(nats_url=nats_url, database_url=migrated_url, logs=tmp_path) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def reader(browser: Browser, filled: Site) -> AsyncIterator[Page]:
    """Somebody who reads the filled site."""
    async with visiting(browser, filled) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(browser: Browser, empty: Site) -> AsyncIterator[Page]:
    """Somebody who sets up the empty site."""
    async with visiting(browser, empty) as page:
        yield page
