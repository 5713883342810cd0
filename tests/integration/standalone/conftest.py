"""Owners of embedded servers: as whoever runs the tests, and as an ordinary user."""

import json
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dmarq.embedded.account import Account, can_reach
from dmarq.embedded.programs import nats_server, postgres_bin_dir
from tests.support.processes import IGNORING_SIGINT

INTERPRETERS = (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3")


@dataclass
class Owner:
    """A running `tests.support.owner`. `said` is what it printed: JSON, or an error."""

    process: subprocess.Popen[str]
    said: str
    up: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.up = json.loads(self.said) if self.said.startswith("{") else {}

    @property
    def pids(self) -> list[int]:
        return [int(pid) for pid in self.up["pids"]]


StartOwner = Callable[[Path], Owner]


@pytest.fixture(params=["as_we_are", "as_an_ordinary_user"])
def user(request: pytest.FixtureRequest) -> Account | None:
    """None to stay who we are. An ordinary user needs no other when the tests run as one."""
    if request.param == "as_we_are" or os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(name="nobody", uid=nobody.pw_uid, gid=nobody.pw_gid)


@pytest.fixture
def start_owner(user: Account | None) -> Iterator[StartOwner]:
    """Start an owner of a data directory; whatever is left of it at the end of the test is killed."""
    with ExitStack() as stack:

        def start(data: Path) -> Owner:
            process = stack.enter_context(_popen(user, data))
            stack.callback(process.kill)
            assert process.stdout is not None
            return Owner(process, process.stdout.readline())

        yield start


@pytest.fixture
def place(user: Account | None) -> Iterator[Path]:
    """An empty directory that belongs to the user and that everybody may pass."""
    # the servers of an owner that was killed may write for a moment longer
    with tempfile.TemporaryDirectory(prefix="dmarq-test-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o711)
        if user is not None:
            os.chown(path, user.uid, user.gid)
        yield path


def _popen(user: Account | None, data: Path) -> subprocess.Popen[str]:
    where = {"data": str(data), "nats": str(nats_server()), "postgres": str(postgres_bin_dir())}
    return subprocess.Popen(
        [*IGNORING_SIGINT, _interpreter(user), "-m", "tests.support.owner", json.dumps(where)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=Path(__file__).parents[3],
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )


def _interpreter(user: Account | None) -> str:
    if user is None:
        return sys.executable
    for interpreter in INTERPRETERS:
        path = Path(interpreter)
        if path.exists() and can_reach(user, path) and _is_our_version(interpreter):
            return interpreter
    pytest.skip(f"no Python {sys.version_info.major}.{sys.version_info.minor} that the user {user.name} can run")


def _is_our_version(interpreter: str) -> bool:
    code = "import sys; print(sys.version_info[:2])"
    said = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=True).stdout
    return said.strip() == str(sys.version_info[:2])
