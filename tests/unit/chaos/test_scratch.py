"""What a killed run of faults leaves behind is removed by the next one, and nothing else is."""

import os
import subprocess
import sys
from pathlib import Path

from tests.chaos.scratch import PREFIX, scratch, sweep


def test_what_a_dead_run_left_is_removed_and_what_lives_is_kept(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, alive, other = (tmp_path / name for name in (f"{PREFIX}{gone.pid}", f"{PREFIX}{os.getpid()}", "dmarq-x"))
    for path in (dead, alive, other):
        (path / "deep").mkdir(parents=True)

    assert sweep(tmp_path) == [dead]
    assert sorted(tmp_path.iterdir()) == sorted([alive, other])


def test_a_run_leaves_nothing_behind() -> None:
    with scratch() as own:
        assert own.is_dir()

    assert not own.exists()
