"""What runs and what listens on this machine."""

import os
import socket
import time
from pathlib import Path

END_S = 10.0
# A command behind this starts as in the background of a shell without job control, or under nohup.
IGNORING_SIGINT = ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")


def ended(pids: list[int]) -> bool:
    """Whether all these processes are gone, or are so within some seconds."""
    for _ in range(int(END_S / 0.01)):
        if not any(map(_runs, pids)):
            return True
        time.sleep(0.01)
    return False


def children_of(pid: int) -> list[int]:
    """The process ids of the children (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_free(port: int) -> bool:
    """Whether the loopback port can be listened on again."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _runs(pid: int) -> bool:
    """A zombie does not run: it only waits for its parent to look."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
