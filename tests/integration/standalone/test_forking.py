"""Children that are forked: as separate as programs of their own, and what they have imported is in memory once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dmarq.embedded import ChildFailed, DataDir
from dmarq.embedded.child import Child, ChildSpec
from dmarq.embedded.forking import ForkServer
from tests.support.forked import BALLAST_BYTES
from tests.support.processes import children_of, ended

FORKED = "tests.support.forked"
ROOT = Path(__file__).parents[3]
PUBLIC = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
SECRET = "a-secret-of-this-child-alone"
OWNER = """
import json, sys, time
from pathlib import Path
from dmarq.embedded import DataDir
from tests.integration.standalone.test_forking import ForkServer, PUBLIC, FORKED, started
with DataDir(Path(sys.argv[1])) as data, ForkServer(data, [FORKED], PUBLIC) as server:
    print(json.dumps([server.pid, *(started(data, server, f"c{n}").pid for n in range(2))]), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    with DataDir(tmp_path / "data") as entered:
        yield entered


@pytest.fixture
def server(data: DataDir) -> Iterator[ForkServer]:
    with ForkServer(data, [FORKED], PUBLIC) as running:
        yield running


def spec(data: DataDir, name: str, *, grace_s: float = 10.0) -> ChildSpec:
    environment = {"SECRET": SECRET, "HOME": "/nowhere"}
    keep_open = (data.lock_fd,)
    return ChildSpec(
        name=name,
        command=("-",),
        log=data.log(name),
        environment=environment,
        keep_open=keep_open,
        grace_s=grace_s,
    )


def started(data: DataDir, server: ForkServer, name: str, *arguments: str, grace_s: float = 10.0) -> Child:
    child = Child(spec(data, name, grace_s=grace_s), server.start_of(FORKED, *(arguments or ("wait",))))
    child.wait_ready(lambda: "up" in data.log(name).read_text(), timeout_s=30)
    return child


def told(data: DataDir, name: str) -> dict[str, Any]:
    """What the child says about itself."""
    found: dict[str, Any] = json.loads(data.log(name).read_text().removesuffix(" up\n"))
    return found


def test_a_child_has_its_environment_and_arguments_and_nothing_of_others_open(
    data: DataDir, server: ForkServer
) -> None:
    started(data, server, "first")
    started(data, server, "second", "wait", "for it")

    about = told(data, "second")
    assert about["environment"] == {"SECRET": SECRET, "HOME": "/nowhere"}
    assert about["arguments"] == ["wait", "for it"]
    # input, output and error; the lock, the pipe whose end tells of its end; and the listing itself
    assert len(about["descriptors"]) == 6


def test_no_process_shows_the_secrets_of_a_child_in_its_environment(data: DataDir, server: ForkServer) -> None:
    child = started(data, server, "child")

    for pid in (child.pid, server.pid):
        assert SECRET.encode() not in Path(f"/proc/{pid}/environ").read_bytes()


def test_what_was_imported_is_shared(data: DataDir, server: ForkServer) -> None:
    child = started(data, server, "child")
    lines = Path(f"/proc/{child.pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}

    assert kilobytes["Rss"] * 1024 > BALLAST_BYTES
    assert kilobytes["Private_Dirty"] * 1024 < BALLAST_BYTES / 2


def test_a_child_has_the_name_of_its_service(data: DataDir, server: ForkServer) -> None:
    child = started(data, server, "the-service")

    assert Path(f"/proc/{child.pid}/comm").read_text() == "the-service\n"


def test_where_memory_runs_out_a_child_ends_before_the_process_that_all_are_made_from(
    data: DataDir, server: ForkServer
) -> None:
    child = started(data, server, "child")
    adjusted = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (child.pid, server.pid)]

    assert adjusted[0] > adjusted[1]


def test_the_exit_status_is_that_of_the_child(data: DataDir, server: ForkServer) -> None:
    children = [Child(spec(data, f"c{n}"), server.start_of(FORKED, "end", str(n))) for n in (0, 1, 78)]

    assert [child.exit.result(30) for child in children] == [0, 1, 78]


def test_a_fault_is_in_the_log_with_its_traceback(data: DataDir, server: ForkServer) -> None:
    child = Child(spec(data, "child"), server.start_of(FORKED, "fail"))

    assert child.exit.result(30) == 1
    assert "ValueError: a fault of the child's" in data.log("child").read_text()


def test_a_child_ends_by_its_stop_signal(data: DataDir, server: ForkServer) -> None:
    assert started(data, server, "child").stop() == -signal.SIGTERM


def test_a_child_that_ignores_its_stop_signal_is_killed(data: DataDir, server: ForkServer) -> None:
    child = started(data, server, "child", "deaf", grace_s=0.1)

    assert child.stop() == -signal.SIGKILL
    assert ended([child.pid])


def test_children_end_with_the_fork_server_and_the_next_one_has_another(data: DataDir, server: ForkServer) -> None:
    first = started(data, server, "first")
    gone = server.pid
    os.kill(gone, signal.SIGKILL)
    first.exit.result(30)
    second = started(data, server, "second")

    assert ended([gone, first.pid])
    assert server.pid != gone
    assert second.running


def test_kill_9_of_the_owner_ends_the_fork_server_and_its_children(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path / "data")]
    with subprocess.Popen(command, env=PUBLIC, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        family = json.loads(owner.stdout.readline())
        owner.kill()

    assert ended(family)


def test_what_keeps_the_fork_server_from_starting_is_quoted(data: DataDir) -> None:
    with (
        ForkServer(data, ["no_such_module"], PUBLIC) as server,
        pytest.raises(ChildFailed, match="No module named 'no_such_module'"),
    ):
        Child(spec(data, "child"), server.start_of(FORKED, "wait"))


def test_the_end_of_the_block_leaves_no_process(data: DataDir) -> None:
    with ForkServer(data, [FORKED], PUBLIC) as server:
        child = started(data, server, "child")
        family = [server.pid, *children_of(server.pid)]

    assert child.pid in family
    assert ended(family)
