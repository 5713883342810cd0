"""A child process that ends with us: its output in a log file, readiness awaited, stopped or killed; and what the
embedded servers, which run as such, have in common.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol, Self

from dmarq.embedded import lifeline
from dmarq.embedded.account import Account
from dmarq.embedded.datadir import DataDir
from dmarq.embedded.errors import ChildFailed

MAX_LOG_BYTES = 16 * 1024 * 1024
LAST_WORDS_BYTES = 2000
LAST_WORDS_LINES = 3


def open_log(path: Path) -> BinaryIO:
    """The log, readable for its owner alone. One that has grown large becomes `<name>.1`, replacing the one before."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def cut_if_large(path: Path) -> None:
    """Keeps a copy of a log that has grown large as `<name>.1` and empties it; whoever appends to it may go on."""
    if not path.exists() or path.stat().st_size <= MAX_LOG_BYTES:
        return
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)


def last_words(path: Path) -> str:
    """The last lines of the log in one, for an error's text."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - LAST_WORDS_BYTES))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return " | ".join(line.strip() for line in lines[-LAST_WORDS_LINES:] if line.strip())


READY_POLL_S = 0.01
KERNEL_WATCHES = sys.platform == "linux"


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """How to run a child.

    `command` starts with an absolute path. `environment` None means ours. `keep_open` are descriptors that the child
    holds as long as it lives. `stop_signal` is sent by `stop` and when we die; after `grace_s` seconds SIGKILL follows.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] | None = None
    account: Account | None = None
    keep_open: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    kernel_watches: bool = KERNEL_WATCHES


class Process(Protocol):
    """What a child needs of its process; that of `subprocess` is one."""

    @property
    def pid(self) -> int: ...  # noqa: D102

    def wait(self) -> int: ...  # noqa: D102

    def send_signal(self, sig: int) -> None: ...  # noqa: D102


Start = Callable[[ChildSpec, int], Process]
"""Starts the process of a child, which holds the descriptor that comes second as long as it lives."""


class Child:
    """A running child. `exit` is done, with its exit status, as soon as it and all processes it started have ended.

    So a PostgreSQL that was killed is not started again while its workers still hold its shared memory. Await it with
    `asyncio.wrap_future(child.exit)`. Start children in a thread that lives as long as they shall live (the main
    thread): the kernel ends a child with the thread that started it. `start` is another way than a program of its own.
    """

    def __init__(self, spec: ChildSpec, start: Start | None = None) -> None:
        self.spec = spec
        self.exit: Future[int] = Future()
        # A future that "runs" cannot be cancelled, so a cancelled waiter cannot make the exit go unnoticed.
        self.exit.set_running_or_notify_cancel()
        self._watch_end: int | None = None
        self._family_end, family_fd = os.pipe()  # end of file when the last process that inherits it is gone
        try:
            self._process = start(spec, family_fd) if start else self._start(spec, family_fd)
        except BaseException:
            os.close(self._family_end)
            raise
        finally:
            os.close(family_fd)
        threading.Thread(target=self._notice_exit, name=f"{spec.name}-exit", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id; also that of the child's process group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child has not ended yet."""
        return not self.exit.done()

    def wait_ready(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Return when `ready()` is true. Raises ChildFailed when the child ends first or time is up; it is stopped."""
        for _ in range(int(timeout_s / READY_POLL_S)):
            if ready():
                return
            wait([self.exit], timeout=READY_POLL_S)
            if self.exit.done():
                raise self._failed(f"ended with status {self.exit.result()}")
        self.stop()
        raise self._failed(f"was not ready within {timeout_s:g} seconds")

    def stop(self) -> int:
        """End the child: its stop signal, then SIGKILL when it takes too long. Returns its exit status."""
        self.send(self.spec.stop_signal)
        try:
            return self.exit.result(self.spec.grace_s)
        except TimeoutError:
            return self.kill()

    def kill(self) -> int:
        """End the child at once (SIGKILL). Returns its exit status."""
        if self.running:
            with suppress(ProcessLookupError):  # it ends at this moment
                os.killpg(self.pid, signal.SIGKILL)
        return self.exit.result()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the child has already ended."""
        self._process.send_signal(number)

    def _start(self, spec: ChildSpec, family_fd: int) -> Process:
        watch_fd = -1 if spec.kernel_watches else self._open_watch_pipe()
        uid, gid = (spec.account.uid, spec.account.gid) if spec.account else (-1, -1)
        parameters = (os.getpid(), int(spec.stop_signal), uid, gid, watch_fd)
        command = (sys.executable, "-I", "-S", lifeline.__file__, *map(str, parameters), *spec.command)
        try:
            with open_log(spec.log) as log:
                return subprocess.Popen(  # noqa: S603 (no shell, and the program is one of ours)
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=None if spec.environment is None else dict(spec.environment),
                    pass_fds=(*spec.keep_open, family_fd, *((watch_fd,) if watch_fd >= 0 else ())),
                    start_new_session=True,  # Ctrl-C is for us alone: we stop our children in the right order
                )
        finally:
            if watch_fd >= 0:
                os.close(watch_fd)

    def _open_watch_pipe(self) -> int:
        watched, self._watch_end = os.pipe()
        return watched

    def _notice_exit(self) -> None:
        status = self._process.wait()
        os.read(self._family_end, 1)
        os.close(self._family_end)
        if self._watch_end is not None:
            os.close(self._watch_end)
        self.exit.set_result(status)

    def _failed(self, what: str) -> ChildFailed:
        return ChildFailed(self.spec.name, what=what, log=self.spec.log, last_words=last_words(self.spec.log))


class EmbeddedServer(ABC):
    """A server of our own. As a context manager it runs inside the block; it may be started again after a stop.

    A subclass says how its process is run (`_spec`) and how to tell that it takes clients (`_is_ready`).
    """

    name: ClassVar[str]
    ready_timeout_s: float = 30.0

    def __init__(self, data: DataDir) -> None:
        self._data = data
        self.child: Child | None = None

    def start(self) -> Child:
        """Start the server and return when it takes clients. Raises ChildFailed."""
        self.launch()
        return self.wait_ready()

    def launch(self) -> None:
        """Start the server; it is not waited for."""
        self.child = Child(self._spec())

    def wait_ready(self) -> Child:
        """Return when a server that was launched takes clients. Raises ChildFailed."""
        if self.child is None:
            raise RuntimeError("the server was not launched")
        self.child.wait_ready(self._is_ready, timeout_s=self.ready_timeout_s)
        return self.child

    def stop(self) -> None:
        """Stop the server; it finishes what it has accepted."""
        if self.child is not None:
            self.child.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _spec(self) -> ChildSpec:
        """How the process is run; what it needs on disk is made here."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it takes clients now."""
