"""A container engine: the one that runs here, or one of our own for the time of the test (Linux, root)."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compose.programs import Failed, found, run

START_S = 60
STOP_S = 60


@contextmanager
def engine(cache: Path) -> Iterator[str]:
    """The DOCKER_HOST of a running engine. Raises Failed, whose text says what is missing."""
    given = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if found("docker") and _answers(given):
        yield given
        return
    _require_own()
    with _own(cache) as host:
        yield host


def _require_own() -> None:
    if os.geteuid() != 0:
        raise Failed("no container engine answers, and only root can start one here")
    missing = [name for name in ("docker", "dockerd", "debootstrap") if not found(name)]
    if missing and found("apt-get"):
        print(f"installing docker.io and debootstrap, because there is no {', '.join(missing)}", flush=True)
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-qq"], environment=quiet)
        run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker.io", "debootstrap"],
            environment=quiet,
        )
    missing = [name for name in ("docker", "dockerd", "debootstrap") if not found(name)]
    if missing:
        raise Failed(f"no container engine answers, and to start one these programs are missing: {', '.join(missing)}")


@contextmanager
def _own(cache: Path) -> Iterator[str]:
    """An engine with its own data, socket and no rights on the machine's network: no bridge, no firewall rules."""
    state = cache / "engine"
    state.mkdir(parents=True, exist_ok=True)
    host = f"unix://{state}/docker.sock"
    config = {
        "data-root": str(state / "data"),
        "exec-root": str(state / "run"),
        "pidfile": str(state / "docker.pid"),
        "hosts": [host],
        "bridge": "none",
        "iptables": False,
        "ip-forward": False,
        "storage-driver": "overlay2",
        "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 20000, "Soft": 20000}},
    }
    (state / "daemon.json").write_text(json.dumps(config))
    with (state / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(["dockerd", "--config-file", str(state / "daemon.json")], stdout=log, stderr=log)
        try:
            _wait_for(host, daemon, log=state / "dockerd.log")
            yield host
        finally:
            daemon.terminate()
            try:
                daemon.wait(STOP_S)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _wait_for(host: str, daemon: "subprocess.Popen[bytes]", *, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _answers(host):
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"dockerd does not start here:\n{log.read_text()[-2000:]}")
        time.sleep(0.5)


def _answers(host: str) -> bool:
    try:
        run(["docker", "info"], environment={"DOCKER_HOST": host}, timeout=20)
    except (Failed, OSError, subprocess.TimeoutExpired):
        return False
    return True
