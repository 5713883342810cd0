"""One version for packages, images, chart and API, so that a report of a fault can name it."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from config_api.web.contract import VERSION

ROOT = Path(__file__).parents[3]
PLACES = {
    "shared/pyproject.toml": r'^version = "(.*)"',
    "services/fetcher/pyproject.toml": r'^version = "(.*)"',
    "services/extractor/pyproject.toml": r'^version = "(.*)"',
    "services/parser/pyproject.toml": r'^version = "(.*)"',
    "services/config-api/pyproject.toml": r'^version = "(.*)"',
    "services/notifier/pyproject.toml": r'^version = "(.*)"',
    "deploy/standalone/pyproject.toml": r'^version = "(.*)"',
    "deploy/kubernetes/dmarq/Chart.yaml": r"^(?:version|appVersion): (.*)",
    "deploy/Dockerfile": r"^ARG VERSION=(.*)",
    "docker-compose.yml": r"VERSION: \${DMARQ_VERSION:-([^}]*)}",
}


def test_everything_has_one_version() -> None:
    found = {place: re.findall(form, (ROOT / place).read_text(), re.MULTILINE) for place, form in PLACES.items()}
    assert all(found.values()), found
    assert len({said for all_said in found.values() for said in all_said}) == 1, found
    packages = [path.parent for path in ROOT.glob("services/*/pyproject.toml")]
    assert {f"{package.relative_to(ROOT)}/pyproject.toml" for package in packages} <= set(PLACES)


def test_the_command_and_the_api_say_it() -> None:
    said = subprocess.run([sys.executable, "-m", "dmarq", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"dmarq {version('dmarq')}\n"
    assert version("dmarq-config-api") == VERSION
