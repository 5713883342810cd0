"""Where a run keeps everything: one directory, named after its process, so that a killed run is cleaned up by the next.

Servers and services end with their run by themselves; files and small file systems are left behind.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

PREFIX = "dmarq-chaos-run-"


@contextmanager
def scratch() -> Iterator[Path]:
    """All temporary files of this process are in one directory inside the block; those of dead runs go first."""
    root = Path(tempfile.gettempdir())
    sweep(root)
    own = root / f"{PREFIX}{os.getpid()}"
    own.mkdir(mode=0o711)
    own.chmod(0o711)  # servers with an account of their own go through it
    before, tempfile.tempdir = tempfile.tempdir, str(own)
    try:
        yield own
    finally:
        tempfile.tempdir = before
        _remove(own)


def sweep(root: Path) -> list[Path]:
    """Removes what runs whose process is gone have left there; gives what it removed."""
    dead = [path for path in root.glob(f"{PREFIX}*") if not psutil.pid_exists(int(path.name.removeprefix(PREFIX)))]
    for path in dead:
        _remove(path)
    return dead


def mounted_below(path: Path) -> list[Path]:
    """The file systems that are mounted there, the innermost first."""
    points = [Path(disk.mountpoint) for disk in psutil.disk_partitions(all=True)]
    return sorted((point for point in points if path in point.parents), reverse=True)


def unmount(path: Path) -> None:
    """Takes a file system away, now or as soon as nobody uses it."""
    subprocess.run(["umount", "--lazy", str(path)], capture_output=True, check=False)


def _remove(path: Path) -> None:
    for point in mounted_below(path):
        unmount(point)
    shutil.rmtree(path, ignore_errors=True)
