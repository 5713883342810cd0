"""What processes and their children use while a benchmark runs: CPU seconds and peak memory."""

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil

SAMPLE_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since watching began; the peak of memory that is the process' own, children included."""

    cpu_seconds: float
    peak_megabytes: float


class Watched:
    """Samples processes in the background, as a context manager."""

    def __init__(self) -> None:
        self._roots: dict[str, psutil.Process] = {}
        self._began: dict[str, float] = {}
        self._cpu: dict[str, dict[int, float]] = {}
        self._peak: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def add(self, name: str, pid: int) -> None:
        """Watches the process and its children from now on."""
        self._cpu[name] = {}
        self._peak[name] = 0.0
        self._roots[name] = psutil.Process(pid)
        self._look(name)
        self._began[name] = sum(self._cpu[name].values())

    def usage(self) -> dict[str, Usage]:
        """What was used so far, by name."""
        for name in self._roots:
            self._look(name)
        return {
            name: Usage(round(sum(self._cpu[name].values()) - self._began[name], 2), round(self._peak[name], 1))
            for name in self._roots
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            for name in list(self._began):
                self._look(name)

    def _look(self, name: str) -> None:
        megabytes = 0.0
        try:
            processes = [self._roots[name], *self._roots[name].children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                times = process.cpu_times()
                self._cpu[name][process.pid] = times.user + times.system
                megabytes += process.memory_full_info().uss / 1e6
            except psutil.NoSuchProcess:
                continue
        self._peak[name] = max(self._peak[name], megabytes)
