"""What `dmarq run` weighs while nothing happens: `python -m tests.bench.idle --mailboxes 10`.

It is started twice: the second start, with the data of the first, is the one that is timed and weighed. Memory is what
the kernel counts for each process in proportion (PSS), so that pages which processes share count once.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from dmarq.embedded import forkserver
from dmarq.embedded.programs import LOOPBACK, free_port
from dmarq.services import MODULES
from pipeline.settings import process_environment
from tests.support.dovecot import Dovecot, running_dovecot

DMARQ = Path(sys.prefix) / "bin" / "dmarq"
SETTLE_S = 45.0  # until all mailboxes wait and sessions of PostgreSQL that nobody needs are closed
GIVE_UP_S = 120.0
MB = 1_000_000
SERVICES = frozenset(MODULES)  # a forked process has the name of its service


@contextmanager
def started(data: Path, address: str) -> Iterator[tuple[psutil.Process, float]]:
    """`dmarq run`, ready inside the block, and the seconds until it was."""
    environment = {**process_environment(), "DMARQ_HTTP_ADDRESS": address}
    began = time.monotonic()
    command = [str(DMARQ), "run", "--data-dir", str(data)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if not any("stop with Ctrl-C" in line for line in process.stdout):
                raise SystemExit("it did not start")
            yield psutil.Process(process.pid), time.monotonic() - began
        finally:
            process.terminate()


def fill(api: httpx.Client, dovecot: Dovecot, mailboxes: int) -> None:
    """Adds so many mailboxes and waits until each has been read once, and its emails are awaited."""
    for number in range(mailboxes):
        user = dovecot.user()
        account = {"host": dovecot.host, "port": dovecot.imaps_port, "username": user.name, "password": user.password}
        mailbox = {"name": f"Mailbox {number}", "verify_certificate": False, **account}
        api.post("/mailboxes", json=mailbox).raise_for_status()
    until = time.monotonic() + GIVE_UP_S
    while _unread(api):
        if time.monotonic() > until:
            raise SystemExit("a mailbox was never read")
        time.sleep(0.5)


def _unread(api: httpx.Client) -> int:
    items = api.get("/mailboxes").raise_for_status().json()["items"]
    return sum(not (item["state"]["live"] or {}).get("last_success_at") for item in items)


def weigh(root: psutil.Process, seconds: float) -> dict[str, tuple[float, float]]:
    """Megabytes and percent of a core by program, over so many seconds."""
    before = {process.pid: _cpu_seconds(process) for process in _family(root)}
    time.sleep(seconds)
    found: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for process in _family(root):  # sessions of PostgreSQL come and go
        memory, share = found[_name(process)]
        used = 100 * (_cpu_seconds(process) - before.get(process.pid, 0.0)) / seconds
        found[_name(process)] = memory + process.memory_full_info().pss / MB, share + used
    return dict(found)


def _family(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _name(process: psutil.Process) -> str:
    name = process.name()
    if name in SERVICES:
        return name
    command = process.cmdline()
    if forkserver.__name__ in command:
        return "fork server"
    program = Path(command[0]).name
    return "PostgreSQL" if program.startswith("postgres") else "supervisor" if program.startswith("python") else program


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.idle", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=10, help="how many mailboxes wait in IDLE (default 10)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long it is looked at (default 30)")
    options = parser.parse_args()
    address = f"{LOOPBACK}:{free_port()}"
    with (
        tempfile.TemporaryDirectory(prefix="dmarq-idle-", ignore_cleanup_errors=True) as folder,
        running_dovecot() as dovecot,
    ):
        data = Path(folder)
        data.chmod(0o711)
        with started(data, address) as (_, first_s):
            headers = {"Authorization": f"Bearer {(data / 'admin.secret').read_text()}"}
            with httpx.Client(base_url=f"http://{address}/api/v1", headers=headers, timeout=30) as api:
                fill(api, dovecot, options.mailboxes)
        with started(data, address) as (root, again_s):
            time.sleep(SETTLE_S)
            weights = weigh(root, options.seconds)
    print(f"ready after {first_s:.1f} s at first, {again_s:.1f} s with its data there; {options.mailboxes} mailboxes")
    for name, (memory, share) in sorted(weights.items(), key=lambda item: -item[1][0]):
        print(f"{name:12} {memory:6.1f} MB   {share:5.2f} % of a core")
    memory, share = (sum(column) for column in zip(*weights.values(), strict=True))
    print(f"{'together':12} {memory:6.1f} MB   {share:5.2f} % of a core")


if __name__ == "__main__":
    main()
