"""A process that has imported the services and becomes each of them by fork(2): what they share is in memory once.

    python -m dmarq.embedded.forkserver SOCKET MODULE...

SOCKET is the descriptor on which `dmarq.embedded.forking` asks for children, one message each; its end is our end. The
environment of a child, with its secrets, comes in a file that only the child reads: this process never knows them, and
so no child finds another's in the memory that it was born with. There are no threads here and no event loops.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from dmarq.embedded.lifeline import call_process, end_with_parent
from dmarq.lean import leave_out_colours
from pipeline.settings import become

MESSAGE_BYTES = 4096
MAX_DESCRIPTORS = 16
STANDARD = 3  # standard input, output and error
# proc(5): where memory runs out, a child is ended before the process that all of them are made from.
RATHER_THAN_US = "200"


@dataclass(frozen=True, kw_only=True)
class Order:
    """A child to make: the function `main` of `module`, which finds `arguments` on its command line; `name` is for ps.

    `stop_signal` is sent to it when this process ends. With an order come descriptors: `environment` is a file with a
    JSON object, `log` takes the child's output, `status` is told the process id and, at its end, the exit status, a
    line each; `kept` are held by the child as long as it lives.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    stop_signal: int
    environment: int
    log: int
    status: int
    kept: tuple[int, ...]

    @classmethod
    def received(cls, text: bytes, descriptors: list[int]) -> "Order":
        """The order in a message."""
        environment, log, status, *kept = descriptors
        said = json.loads(text)
        return cls(
            name=said["name"],
            module=said["module"],
            arguments=tuple(said["arguments"]),
            stop_signal=said["stop_signal"],
            environment=environment,
            log=log,
            status=status,
            kept=tuple(kept),
        )

    def close(self) -> None:
        """Closes what only the child needs."""
        for descriptor in (self.environment, self.log, *self.kept):
            os.close(descriptor)


class ForkServer:
    """Makes children and tells how they ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._statuses: dict[int, int] = {}  # process id -> the descriptor that is told its end
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)

    def serve(self) -> Order | None:
        """In this process None, when nobody asks any more; in a child, which is us once more, what it shall be."""
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select((self._control, self._woken), (), ())
            if self._woken in ready:
                self._woken.recv(MESSAGE_BYTES)
                self._reap()
            if self._control in ready:
                text, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, MAX_DESCRIPTORS)
                if not text:
                    return None
                order = Order.received(text, descriptors)
                if self._fork(order):
                    return order

    def _fork(self, order: Order) -> bool:
        """Whether this is the child."""
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            for ours in (self._control, self._woken, self._wake):
                ours.close()
            _begin(order, parent=parent)
            return True
        self._statuses[pid] = order.status
        _tell(order.status, pid)
        order.close()
        return False

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                told = self._statuses.pop(pid)
                _tell(told, os.waitstatus_to_exitcode(status))
                os.close(told)


def _tell(descriptor: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody wants to know any more, and we end with who did
        os.write(descriptor, f"{number}\n".encode())


def _begin(order: Order, *, parent: int) -> None:
    """What a program of its own would begin with: session, signals, output, environment; nothing of others is open."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    call_process(order.name)
    Path("/proc/self/oom_score_adj").write_text(RATHER_THAN_US, encoding="ascii")
    end_with_parent(parent, order.stop_signal)
    for output in (1, 2):
        os.dup2(order.log, output)
    with os.fdopen(order.environment, encoding="utf-8") as file:
        environment = json.load(file)
    _close_all_but(order.kept)
    become(environment)
    sys.argv = [order.module, *order.arguments]


def _close_all_but(kept: tuple[int, ...]) -> None:
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor >= STANDARD and descriptor not in kept:
            with suppress(OSError):  # the listing's own is closed already
                os.close(descriptor)


def main(control: socket.socket, modules: list[str]) -> int:
    """Serves to the end, or is a child to its end; gives the exit status of either."""
    leave_out_colours()
    gc.disable()  # imports leave next to nothing to collect; it would take a tenth of their time, and tear holes
    for module in modules:
        import_module(module)
    gc.freeze()  # a child that looks for cycles leaves what is shared alone
    order = ForkServer(control).serve()
    if order is None:
        return 0
    gc.enable()
    run: Callable[[], int] = import_module(order.module).main
    return run()


if __name__ == "__main__":
    sys.exit(main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]))
