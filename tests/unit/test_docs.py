"""The documentation: its site is built, its links lead somewhere, its commands exist."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest

from dmarq.__main__ import dmarq

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:dmarq|make) [^`\n]+)`")
PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*|\.\.\.|PATH\.\.\.")


class Page(HTMLParser):
    """The links and the anchors of a page, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        self.loads |= {given["src"]} if "src" in given else set()
        if tag == "link" and given.get("rel") in ("stylesheet", "preconnect", "preload"):
            self.loads.add(given["href"])


@pytest.fixture(scope="module")
def site() -> Path:
    """The site, built from the pages as they are."""
    done = subprocess.run(["make", "docs-site"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "build" / "site"


@pytest.mark.timeout(300)
def test_every_internal_link_and_anchor_of_the_site_leads_somewhere_and_nothing_is_loaded_from_elsewhere(
    site: Path,
) -> None:
    pages = {path.resolve(): Page(path.read_text("utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) >= len(list((ROOT / "docs").rglob("*.md")))
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else {parts.fragment}
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in anchors):
                broken.append((path.name, link))
        broken += [(path.name, load) for load in page.loads if urlsplit(load).netloc]
    assert broken == []
    assert any("dmarq_secret_key" in file.read_text("utf-8").lower() for file in site.glob("search*"))


@cache
def _named() -> str:
    return (ROOT / "mkdocs.yml").read_text("utf-8") + (ROOT / "docs" / "decisions" / "index.md").read_text("utf-8")


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_every_page_is_in_the_navigation_or_in_the_list_of_decisions(page: Path) -> None:
    path = page.relative_to(ROOT / "docs")
    assert path.as_posix() in _named() or path.name in _named()


def commands(page: Path) -> Iterator[str]:
    """The commands of a page, each as one line."""
    text = page.read_text("utf-8")
    for block in BLOCK.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from INLINE.findall(text)


def of_program(line: str, program: str) -> Iterator[list[str]]:
    """The words behind each call of a program in a line of the shell."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    for number, word in enumerate(words):
        if word.rpartition("/")[2] == program and (
            number == 0 or words[number - 1] in ("|", "&&", ";", "exec", "sudo")
        ):
            rest = words[number + 1 :]
            ends = [at for at, each in enumerate(rest) if each in ("|", "&&", ";", ">", "<")]
            yield rest[: ends[0]] if ends else rest


def told_wrong(words: list[str]) -> str:
    """What of a call of `dmarq` does not exist; "" where all of it does."""
    command: click.Command = dmarq
    context = click.Context(dmarq)
    for word in words:
        word = word.rstrip(",")
        if word.startswith("-"):
            known = {
                name
                for parameter in command.get_params(context)
                for name in (*parameter.opts, *parameter.secondary_opts)
            }
            if word.partition("=")[0] not in known | {"-h", "--help", "--version"}:
                return f"{command.name} has no {word}"
        elif isinstance(command, click.Group):
            if PLACEHOLDER.fullmatch(word):
                return ""
            inner = [command.get_command(context, name) for name in word.split("/")]
            if None in inner:
                return f"{command.name} has no command {word}"
            command = inner[0] or command
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_dmarq_and_each_of_its_options_exists(page: Path) -> None:
    calls = [(line, words) for line in commands(page) for words in of_program(line, "dmarq")]
    assert [(line, wrong) for line, words in calls if (wrong := told_wrong(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = [
        word for line in commands(page) for words in of_program(line, "make") for word in words[:1] if "=" not in word
    ]
    assert [name for name in named if name not in targets and not name.startswith("-")] == []


def test_the_check_of_commands_sees_what_is_wrong() -> None:
    assert told_wrong(["import", "x", "--no-such"]) == "import has no --no-such"
    assert told_wrong(["mailbox", "frobnicate"]) == "mailbox has no command frobnicate"
    assert told_wrong(["mailbox", "apply", "FILE", "--dry-run"]) == ""
