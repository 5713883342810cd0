"""Memory, file descriptors and connections of processes over time, and whether they stay flat."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from threading import Event, Thread
from typing import Self

import psutil

SAMPLE_EVERY_S = 5.0
MAX_GROWTH = 1.5
SLACK = {"memory MB": 20.0, "descriptors": 15.0, "connections": 8.0}


@dataclass(frozen=True, slots=True)
class Trend:
    """Medians of the first and the last third of the samples, and the peak."""

    process: str
    figure: str
    first: float
    last: float
    peak: float

    @property
    def is_flat(self) -> bool:
        """Whether the last third is about as the first; a little more is the warmth of a running process."""
        return self.last <= max(self.first * MAX_GROWTH, self.first + SLACK[self.figure])


class Vitals:
    """Samples processes in the background, as a context manager; `pids` says which there are just now."""

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        self._pids = pids
        self._samples: dict[tuple[str, str], list[float]] = {}
        self._stop = Event()
        self._thread = Thread(target=self._sample, name="vitals", daemon=True)

    def trends(self) -> list[Trend]:
        """What became of each figure of each process."""
        return [
            Trend(process, figure, median(values[: third(values)]), median(values[-third(values) :]), max(values))
            for (process, figure), values in sorted(self._samples.items())
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            for name, pid in self._pids().items():
                with suppress(psutil.Error):
                    self._look(name, psutil.Process(pid))

    def _look(self, name: str, process: psutil.Process) -> None:
        figures = {
            "memory MB": process.memory_info().rss / 1e6,
            "descriptors": process.num_fds(),
            "connections": len(process.net_connections()),
        }
        for figure, value in figures.items():
            self._samples.setdefault((name, figure), []).append(value)


def third(values: list[float]) -> int:
    """A third of them, at least one."""
    return max(1, len(values) // 3)
