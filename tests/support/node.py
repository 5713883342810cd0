"""Programs of others that run in Node: what tests/node has installed from npm."""

import shutil
from pathlib import Path

import pytest

NODE = Path(__file__).parents[1] / "node"
MODULES = NODE / "node_modules"


@pytest.fixture(scope="session")
def node() -> str:
    """The program `node`, with the packages of tests/node in reach of scripts that lie there."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("Node is not installed; on Debian: apt-get install nodejs npm")
    if not (MODULES / ".package-lock.json").exists():
        pytest.skip("the packages of tests/node are not installed: npm ci --prefix tests/node")
    return path
