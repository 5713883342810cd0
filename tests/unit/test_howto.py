"""The how-to pages name things that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/howto").glob("*.md"))
_PATH = re.compile(r"`((?:shared|services|deploy|tests|docs)/[\w./-]+)`")
_LINK = re.compile(r"\]\(([\w./-]+)\)")
_TO_BE_MADE = "NAME"  # stands for the name of what is added
_TARGET = re.compile(r"`make ([a-z-]+)")


def test_there_is_a_recipe_for_each_thing_that_is_added_often() -> None:
    assert {page.stem for page in PAGES} == {
        "add-a-consumer-of-the-bus",
        "add-a-mailbox-setting",
        "add-a-metric",
        "add-a-page",
        "add-a-report-kind",
        "come-from-another-tool",
        "sign-in-with-google-or-microsoft",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_recipe_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = [path for path in _PATH.findall(text) if _TO_BE_MADE not in path]
    targets = _TARGET.findall(text)

    assert named or not page.stem.startswith("add-")  # who operates the system needs no paths of the code
    assert not [path for path in named if "NAME" not in path and not (ROOT / path).exists()]
    assert not [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
    assert not [name for name in targets if f"\n{name}: " not in (ROOT / "Makefile").read_text(encoding="utf-8")]
