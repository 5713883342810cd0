"""A child that ends with its parent: ready or not, stopped or killed, and never left behind."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dmarq.embedded import ChildFailed
from dmarq.embedded.child import Child, ChildSpec
from tests.support.processes import children_of, ended

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP
PARENT = """
import json, sys, time
from pathlib import Path
from dmarq.embedded.child import Child, ChildSpec
command, log, kernel_watches = json.loads(sys.argv[1])
child = Child(ChildSpec(name="c", command=tuple(command), log=Path(log), kernel_watches=kernel_watches))
child.wait_ready(lambda: "up" in Path(log).read_text(), timeout_s=20)
print(child.pid, flush=True)
time.sleep(600)
"""


def spec(code: str, log: Path, *, grace_s: float = 10.0, kernel_watches: bool = True) -> ChildSpec:
    command = (sys.executable, "-c", code)
    return ChildSpec(name="child", command=command, log=log, grace_s=grace_s, kernel_watches=kernel_watches)


def started(what: ChildSpec) -> Child:
    child = Child(what)
    child.wait_ready(lambda: "up" in what.log.read_text(), timeout_s=20)
    return child


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "child.log"


@pytest.mark.parametrize("kernel_watches", [True, False])
def test_a_child_ends_by_its_stop_signal(log: Path, kernel_watches: bool) -> None:
    child = started(spec(SLEEP, log, kernel_watches=kernel_watches))
    family = [child.pid, *children_of(child.pid)]
    child.stop()

    assert ended(family)
    assert not child.running


@pytest.mark.parametrize("kernel_watches", [True, False])
def test_a_child_that_ignores_its_stop_signal_is_killed(log: Path, kernel_watches: bool) -> None:
    child = started(spec(DEAF, log, grace_s=0.1, kernel_watches=kernel_watches))
    family = [child.pid, *children_of(child.pid)]

    assert child.stop() == -signal.SIGKILL
    assert ended(family)


@pytest.mark.parametrize("kernel_watches", [True, False])
def test_kill_9_of_the_parent_ends_the_child(log: Path, kernel_watches: bool) -> None:
    told = json.dumps([[sys.executable, "-c", SLEEP], str(log), kernel_watches])
    with subprocess.Popen([sys.executable, "-c", PARENT, told], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        family = [pid, *children_of(pid)]
        parent.kill()

    assert ended(family)


def test_a_child_that_ends_before_it_is_ready_is_quoted(log: Path) -> None:
    child = Child(spec("import sys; sys.exit('no such port')", log))
    with pytest.raises(ChildFailed, match=r"ended with status 1 .*no such port"):
        child.wait_ready(lambda: False, timeout_s=20)


def test_a_child_that_is_never_ready_is_stopped(log: Path) -> None:
    child = Child(spec(SLEEP, log))
    with pytest.raises(ChildFailed, match="not ready within"):
        child.wait_ready(lambda: False, timeout_s=0.2)

    assert not child.running


async def test_the_exit_of_a_child_wakes_who_waits_for_it(log: Path) -> None:
    child = started(spec(SLEEP, log))
    exit_status = asyncio.wrap_future(child.exit)
    child.send(signal.SIGKILL)

    assert await exit_status == -signal.SIGKILL


async def test_a_waiter_that_gives_up_does_not_spoil_the_exit_for_others(log: Path) -> None:
    child = started(spec(SLEEP, log))
    asyncio.wrap_future(child.exit).cancel()
    await asyncio.sleep(0)

    assert child.stop() == -signal.SIGTERM
