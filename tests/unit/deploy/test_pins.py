"""The foreign images are pinned by the digests that the registry gives, all of them or none."""

import os
import subprocess
from pathlib import Path
from shutil import copy, copytree

import pytest

from tests.support.deployment import DEPLOY

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
IMAGES = {"BASE_IMAGE", "NATS_IMAGE", "POSTGRES_IMAGE", "PROMETHEUS_IMAGE", "GRAFANA_IMAGE"}


def pinned(tree: Path, *, says: str) -> "subprocess.CompletedProcess[str]":
    """The script in a copy of the project, with a program `docker` that says this of every image."""
    (tree / "bin").mkdir()
    (tree / "bin/docker").write_text(f"#!/bin/sh\necho '{says}'\n")
    (tree / "bin/docker").chmod(0o755)
    copytree(DEPLOY, tree / "deploy", symlinks=True)
    copy(DEPLOY.parent / "docker-compose.yml", tree)
    environment = {"PATH": f"{tree / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    script = tree / "deploy/pin-images.sh"
    return subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=False)


def test_every_foreign_image_gets_its_digest(tmp_path: Path) -> None:
    done = pinned(tmp_path, says=DIGEST)

    assert done.returncode == 0, done.stderr
    pins = dict(line.split("=", 1) for line in (tmp_path / "deploy/images.env").read_text().splitlines())
    assert set(pins) == IMAGES
    assert all(pin.endswith(f"@{DIGEST}") and ":" in pin.partition("@")[0] for pin in pins.values())


@pytest.mark.parametrize("says", ["", "sha256:short", "unauthorized", "docker.io/library/nats"])
def test_what_is_no_digest_pins_nothing(tmp_path: Path, says: str) -> None:
    done = pinned(tmp_path, says=says)

    assert done.returncode == 1
    assert "no digest for" in done.stderr
    assert not list((tmp_path / "deploy").glob("images.env*"))


def test_every_image_with_python_lists_what_is_in_it() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")

    assert dockerfile.count("install.sh sources") == dockerfile.count("install.sh sbom") == 2
    assert "cyclonedx-bom==" in (DEPLOY / "locks/build.txt").read_text(encoding="utf-8")
