"""Runs a command that ends when its parent ends, even by kill -9. A program of its own, standard library only.

    python lifeline.py PARENT_PID SIGNAL UID GID WATCH_FD COMMAND...

UID and GID are -1 to stay who we are. With WATCH_FD -1 the kernel is the watchdog: it sends SIGNAL when the parent's
thread ends (Linux, prctl(2) PR_SET_PDEATHSIG), and the command replaces this program. Elsewhere this program stays and
watches a pipe whose other end only the parent holds: end of file means that the parent is gone.

A program and not a `preexec_fn`, because Python code between fork and exec may deadlock in a parent with threads.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
GRACE_S = 10.0


def main(arguments: list[str]) -> int:
    """Become the command, or watch over it and return its exit status."""
    parent, signal_number, uid, gid, watch_fd = (int(argument) for argument in arguments[:5])
    command = arguments[5:]
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever started us may have ignored it
    if uid >= 0:
        _become(uid=uid, gid=gid)
    if watch_fd < 0:
        _become_command(command, parent=parent, signal_number=signal_number)
    return _watch(command, watch_fd=watch_fd, signal_number=signal_number)


def _become(*, uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def end_with_parent(parent: int, signal_number: int) -> None:
    """From now on the kernel sends the signal when the thread that started us ends; exits when it already has.

    Called after the change of account, because the kernel clears this setting when the user id changes.
    """
    _prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        sys.exit("the parent ended before its child began")


def call_process(name: str) -> None:
    """What ps and top call this process from now on; Linux keeps 15 bytes of it."""
    _prctl(PR_SET_NAME, name.encode())


def _prctl(option: int, value: int | bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def _become_command(command: list[str], *, parent: int, signal_number: int) -> NoReturn:
    end_with_parent(parent, signal_number)
    os.execv(command[0], command)  # noqa: S606 (no shell is the point)


def _watch(command: list[str], *, watch_fd: int, signal_number: int) -> int:
    with subprocess.Popen(command, close_fds=False) as process:  # noqa: S603 (the command is ours)

        def pass_on(number: int, _frame: FrameType | None) -> None:
            process.send_signal(number)

        def end_with_parent() -> None:
            while os.read(watch_fd, 1):
                continue
            process.send_signal(signal_number)
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, pass_on)
        threading.Thread(target=end_with_parent, daemon=True).start()
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
