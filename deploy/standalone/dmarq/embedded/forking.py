"""Children that are forked from one process with the services in memory, in place of programs of their own.

with ForkServer(data, modules, environment) as server:
    child = Child(spec, server.start_of("parser.__main__"))
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Self

from dmarq.embedded import forkserver
from dmarq.embedded.child import Child, ChildSpec, Process, Start, last_words, open_log
from dmarq.embedded.datadir import DataDir
from dmarq.embedded.errors import ChildFailed

NAME = "services"
STARTS = 2  # of the fork server for one child: it may have ended without being noticed


class ForkServer:
    """The process that services are forked from; started now, and again when it is needed after it has ended.

    `environment` is its own: without secrets, for its memory is in every child. Children end with it.
    """

    def __init__(self, data: DataDir, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        self._data = data
        self._modules = tuple(modules)
        self._environment = dict(environment)
        self._control, self._child = self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """Of the process that is forked."""
        return self._child.pid

    def start_of(self, module: str, *arguments: str) -> Start:
        """What starts the module's `main` as a child."""
        return partial(self._start, module, arguments)

    def _start(self, module: str, arguments: tuple[str, ...], spec: ChildSpec, family_fd: int) -> Process:
        for _ in range(STARTS):
            if not self._child.running:
                self._end()
                self._control, self._child = self._begin()
            process = self._ask(module, arguments, spec, family_fd)
            if process is not None:
                return process
            self._child.stop()
        log = self._child.spec.log
        raise ChildFailed(NAME, what="could not be started", log=log, last_words=last_words(log))

    def _begin(self) -> tuple[socket.socket, Child]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            spec = ChildSpec(
                name=NAME,
                command=(sys.executable, "-m", forkserver.__name__, str(theirs.fileno()), *self._modules),
                log=self._data.log(NAME),
                environment=self._environment,
                keep_open=(self._data.lock_fd, theirs.fileno()),
            )
            return ours, Child(spec)

    def _end(self) -> None:
        self._control.close()
        self._child.stop()

    def _ask(self, module: str, arguments: tuple[str, ...], spec: ChildSpec, family_fd: int) -> "Forked | None":
        """None when the fork server has ended."""
        text = json.dumps(
            {"name": spec.name, "module": module, "arguments": arguments, "stop_signal": int(spec.stop_signal)}
        )
        ours, theirs = os.pipe()
        with ExitStack() as opened:
            opened.callback(os.close, theirs)
            log = opened.enter_context(open_log(spec.log))
            environment = opened.enter_context(os.fdopen(os.memfd_create("environment"), "w+", encoding="utf-8"))
            json.dump(dict(spec.environment or {}), environment)
            environment.flush()
            environment.seek(0)
            descriptors = [environment.fileno(), log.fileno(), theirs, family_fd, *spec.keep_open]
            with suppress(BrokenPipeError, ConnectionResetError):
                socket.send_fds(self._control, [text.encode()], descriptors)
        return Forked.told_by(ours)


class Forked:
    """A forked process, of which another one is the parent."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self._status = status  # a line comes from it at the end
        self._ended = False

    @classmethod
    def told_by(cls, status: int) -> Self | None:
        """The process that the fork server makes; waits for it. None when the fork server ends before."""
        pid = _number(status)
        if pid is None:
            os.close(status)
            return None
        return cls(pid, status)

    def wait(self) -> int:
        """The exit status, when it has ended; called once. SIGTERM's when its parent is gone and nobody knows."""
        status = _number(self._status)
        self._ended = status is not None
        os.close(self._status)
        return -signal.SIGTERM if status is None else status

    def send_signal(self, sig: int) -> None:
        """Sends a signal, unless the process has ended."""
        if not self._ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)


def _number(descriptor: int) -> int | None:
    """The next line; None at the end."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            return None
        line += byte
    return int(line)
