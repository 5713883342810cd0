"""What processes and their children use while a benchmark runs: CPU seconds and peak memory.

Watching costs the machine little: CPU is read at the beginning and at the end, memory, which is slow to read, once a
second.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil

SAMPLE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since watching began; the peak of memory that is the process' own, children included."""

    cpu_seconds: float
    peak_megabytes: float


class Watched:
    """Samples the memory of processes in the background, as a context manager."""

    def __init__(self) -> None:
        self._roots: dict[str, psutil.Process] = {}
        self._began: dict[str, float] = {}
        self._peak: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def add(self, name: str, pid: int) -> None:
        """Watches the process and its children from now on."""
        root = psutil.Process(pid)
        self._peak[name] = _megabytes(root)
        self._began[name] = _cpu_seconds(root)
        self._roots[name] = root

    def usage(self) -> dict[str, Usage]:
        """What was used so far, by name."""
        self._look()
        return {
            name: Usage(round(_cpu_seconds(root) - self._began[name], 2), round(self._peak[name], 1))
            for name, root in self._roots.items()
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            self._look()

    def _look(self) -> None:
        for name, root in list(self._roots.items()):
            self._peak[name] = max(self._peak[name], _megabytes(root))


def _family(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_seconds(root: psutil.Process) -> float:
    """Those of children that have ended are in their parents' figures."""
    seconds = 0.0
    for process in _family(root):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def _megabytes(root: psutil.Process) -> float:
    megabytes = 0.0
    for process in _family(root):
        with suppress(psutil.NoSuchProcess):
            megabytes += process.memory_full_info().uss / 1e6
    return megabytes
