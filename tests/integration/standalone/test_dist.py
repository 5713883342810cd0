"""What `make dist` builds: the same bytes each time, and a `dmarq` that runs without the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from hashlib import sha256
from pathlib import Path

import pytest

from dmarq.embedded.programs import nats_server

ROOT = Path(__file__).parents[3]
PACKAGES = ("shared", "services/fetcher", "services/extractor", "services/parser", "services/config-api",
            "services/notifier", "deploy/standalone")  # fmt: skip
HATCHLING = Path(sys.executable).with_name("hatchling")


def build(into: Path) -> dict[str, str]:
    """Builds wheels and sources of all packages; gives the SHA-256 of each file by its name."""
    for package in PACKAGES:
        subprocess.run([HATCHLING, "build", "--directory", into], cwd=ROOT / package, check=True, capture_output=True)
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in into.iterdir()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    build(directory)
    return directory


def test_built_twice_the_files_are_equal(dist: Path, tmp_path: Path) -> None:
    again = build(tmp_path)
    assert len(again) == 2 * len(PACKAGES)
    assert again == {file.name: sha256(file.read_bytes()).hexdigest() for file in dist.iterdir()}


@pytest.mark.timeout(240)
def test_the_wheels_run_the_demo_without_the_checkout(dist: Path, tmp_path: Path) -> None:
    environment = tmp_path / "installed"
    venv.create(environment, with_pip=False, symlinks=True)
    site = next(environment.glob("lib/python*/site-packages"))
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", *map(str, sorted(dist.glob("*.whl")))], check=True)
    # What the lock file names is here already: it is taken from the environment of the tests, behind our own wheels.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DMARQ_", "PYTHON"))}
    clean["DMARQ_NATS_SERVER"] = str(nats_server())
    asked = "import dmarq, parser, pipeline; print(dmarq.__file__, parser.__file__, pipeline.__file__)"
    where = subprocess.run(
        [environment / "bin/python", "-P", "-c", asked],
        cwd=tmp_path,
        env=clean,
        check=True,
        capture_output=True,
        text=True,
    )
    assert all(str(environment) in path for path in where.stdout.split())
    done = subprocess.run(
        [environment / "bin/dmarq", "demo", "--mails", "30", "--once", "--json"],
        cwd=tmp_path, env=clean, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["all_kept"]
    assert told["mails"] == 30
