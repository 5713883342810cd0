"""The Dockerfile passes its linter, and installs nothing that is not locked and hashed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.deployment import DEPLOY

ROOT = DEPLOY.parent
LOCKS = sorted((DEPLOY / "locks").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[.*\])?==(\S+)", re.MULTILINE)
SOURCES = {"standalone": ROOT / "deploy/standalone"} | {
    name: ROOT / "services" / name for name in ("fetcher", "extractor", "parser", "config-api", "notifier")
}
FOREIGN = {"fetcher": {"aioimaplib"}, "parser": {"lxml"}, "config-api": {"flask"}, "notifier": {"apprise"}}


def pins(path: Path) -> dict[str, str]:
    return dict(PIN.findall(path.read_text(encoding="utf-8")))


def test_the_linter_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([linter, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)

    assert done.stdout == ""


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_package_is_pinned_with_its_hash_and_no_host_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())

    assert all("==" in block and "--hash=sha256:" in block for block in blocks)
    assert "http" not in text.replace("httpx", "").replace("aiohttp", "").replace("httpcore", "").replace(
        "httptools", ""
    )


@pytest.mark.parametrize("path", [path for path in LOCKS if path.stem != "build"], ids=lambda path: path.stem)
def test_versions_are_those_that_the_tests_ran_with(path: Path) -> None:
    assert pins(path).items() <= pins(ROOT / "requirements.lock").items()


@pytest.mark.parametrize("name", SOURCES)
def test_every_dependency_of_a_service_is_in_its_lock(name: str) -> None:
    declared = tomllib.loads((SOURCES[name] / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    wanted = {re.split(r"[\[<>=~ ]", one, maxsplit=1)[0].lower() for one in declared}

    assert {one for one in wanted if not one.startswith("dmarq")} <= pins(DEPLOY / f"locks/{name}.txt").keys()


@pytest.mark.parametrize("name", FOREIGN)
def test_a_service_has_the_libraries_of_no_other(name: str) -> None:
    others = set().union(*(libraries for other, libraries in FOREIGN.items() if other != name))

    assert not others & pins(DEPLOY / f"locks/{name}.txt").keys()


def test_nothing_but_sources_is_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()

    assert ignored[ignored.index("*") :][:4] == ["*", "!deploy", "deploy/kubernetes", "deploy/grafana"]
