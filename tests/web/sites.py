"""A whole site for a browser to visit: config-api, with or without the other services, on servers of its own."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from playwright.async_api import Browser, Page, expect

from tests.support.config_api import api_settings, running_api, served
from tests.support.services import ADMIN_TOKEN, services

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "web"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TABLET = {"width": 1000, "height": 760}
SIGN_IN_LINK = f"/sign-in#{quote(ADMIN_TOKEN)}"
TIMEOUT_MS = 30_000

expect.set_options(timeout=TIMEOUT_MS)


@dataclass(frozen=True)
class Site:
    """Where it is, and what is behind it."""

    address: str
    nats_url: str
    database_url: str

    def api(self, method: str, path: str, body: Any = None, *, token: str = ADMIN_TOKEN) -> Any:
        """What the API answers, as a program with a token sees it; None for no content."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://{self.address}/api/v1{path}", data, headers, method=method)
        with urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def whole_site(*, nats_url: str, database_url: str, logs: Path) -> Iterator[Site]:
    """All four services, each a process of its own."""
    names = ("config-api", "fetcher", "extractor", "parser")
    with services(*names, nats_url=nats_url, database_url=database_url, logs=logs) as started:
        yield Site(started.http_address, nats_url, database_url)


@contextmanager
def served_site(*, nats_url: str, database_url: str) -> Iterator[Site]:
    """config-api alone, served by a thread of this process."""
    with (
        running_api(api_settings(nats_url=nats_url, database_url=database_url)) as api,
        served(api) as address,
    ):
        yield Site(address, nats_url, database_url)


@asynccontextmanager
async def visiting(browser: Browser, site: Site, *, signed_in: bool = True, **context: Any) -> AsyncIterator[Page]:
    """A page of a browser of its own. At the end: no script failed, nothing broke the content security policy."""
    faults: list[str] = []
    opened = await browser.new_context(**{"base_url": f"http://{site.address}", "viewport": DESKTOP, **context})
    page = await opened.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    if signed_in:
        await enter(page)
    try:
        yield page
    finally:
        await opened.close()
    assert faults == []


async def enter(page: Page) -> None:
    """Signs in by the link; where no script takes the token from behind its "#", by typing it."""
    await page.goto(SIGN_IN_LINK)
    if "#" in page.url:
        await page.get_by_label("Admin token or password").fill(ADMIN_TOKEN)
        await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/")


async def keep(page: Page, name: str) -> None:
    """Keeps a picture of the page, for people to look at, where DMARQ_KEEP_PICTURES asks for them."""
    if not os.environ.get("DMARQ_KEEP_PICTURES"):
        return
    await asyncio.to_thread(ARTIFACTS.mkdir, parents=True, exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
