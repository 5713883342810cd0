"""The three pictures of the README, taken of real pages: `make pictures` takes them again."""

import os
import struct
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.web.sites import DESKTOP, Site, visiting

PICTURES = Path(__file__).parents[2] / "docs/pictures"
PAGES = {"overview": "/?days=90", "sources": "/sources", "domain": "/domains/example.com"}
MOST_BYTES = 300_000


@pytest.mark.parametrize("name", PAGES)
async def test_the_readme_has_a_picture_of_the_page_as_it_is_wide(browser: Browser, filled: Site, name: str) -> None:
    async with visiting(browser, filled, viewport=DESKTOP, color_scheme="light") as page:
        await page.goto(PAGES[name], wait_until="networkidle")
        taken = await page.screenshot()
    picture = PICTURES / f"{name}.png"
    if os.environ.get("DMARQ_TAKE_PICTURES"):
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(taken)

    assert _size(picture.read_bytes()) == _size(taken)
    assert picture.stat().st_size < MOST_BYTES
    assert f"docs/pictures/{name}.png" in (PICTURES.parents[1] / "README.md").read_text(encoding="utf-8")


def _size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the picture's header (PNG, section 11.2.2)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height
