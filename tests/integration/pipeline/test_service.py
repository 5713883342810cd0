"""A service as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dmarq.embedded import EmbeddedNats

ROOT = Path(__file__).parents[3]
TIMEOUT = 20.0  # seconds

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the example service with these variables; what is left of it is killed."""
    with ExitStack() as stack:

        def started(*arguments: str, **variables: str) -> subprocess.Popen[str]:
            environment = {name: value for name, value in os.environ.items() if not name.startswith("DMARQ_")}
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.support.service", *arguments],
                    cwd=ROOT,
                    env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | variables,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return process

        yield started


@pytest.fixture
def address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def says(process: subprocess.Popen[str], event: str) -> dict[str, object]:
    """The first log line with this event; fails when the process ends without it."""
    assert process.stderr is not None
    for line in process.stderr:
        found: dict[str, object] = json.loads(line)
        if found["event"] == event:
            return found
    raise AssertionError(f"the service ended without saying {event}")


def answer(address: str, path: str) -> tuple[int, str]:
    ends = time.monotonic() + TIMEOUT
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=TIMEOUT) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            assert time.monotonic() < ends
            time.sleep(0.05)


def test_help_says_what_it_is_and_where_its_settings_are(start: Start) -> None:
    out, _ = start("--help").communicate(timeout=TIMEOUT)

    assert "A service that waits." in out
    assert "DMARQ_NATS_URL" in out


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DMARQ_LOG_LEVEL": "hunter2"}, "DMARQ_LOG_LEVEL"),
        ({"DMARQ_NATS_URL": "hunter2"}, "DMARQ_NATS_URL"),
        ({"DMARQ_NATS_URL": "nats://h:hunter2"}, "DMARQ_NATS_URL"),
        ({"DMARQ_HEALTH_ADDRESS": "hunter2"}, "DMARQ_HEALTH_ADDRESS"),
        ({"DMARQ_MAX_MEMBERS": "hunter2"}, "DMARQ_MAX_MEMBERS"),
        ({"DMARQ_NATS_URL_FILE": "/nowhere"}, "DMARQ_NATS_URL_FILE"),
    ],
)
def test_a_wrong_setting_ends_it_with_one_clear_line(start: Start, variables: dict[str, str], named: str) -> None:
    process = start(**variables)
    _, err = process.communicate(timeout=TIMEOUT)

    assert process.returncode == 78
    assert err.startswith(f"example: {named}: ")
    assert err.count("\n") == 1
    assert "hunter2" not in err


def test_it_waits_for_nats_with_clear_lines_and_starts_when_it_comes(
    start: Start, broker: EmbeddedNats, address: str
) -> None:
    broker.stop()
    process = start(DMARQ_NATS_URL=broker.url, DMARQ_HEALTH_ADDRESS=address)
    line = says(process, "waiting_for")
    waiting = answer(address, "/readyz")
    alive = answer(address, "/healthz")
    broker.start()
    says(process, "started")
    ready = answer(address, "/readyz")
    metrics = answer(address, "/metrics")
    process.terminate()

    assert process.wait(TIMEOUT) == 0
    assert (line["dependency"], line["servers"]) == ("nats", f"127.0.0.1:{broker.port}")
    assert line["advice"] == "start the server or set DMARQ_NATS_URL"
    assert (waiting[0], json.loads(waiting[1])["missing"]["nats"]) == (503, "not connected yet")
    assert alive[0] == 200
    assert (ready[0], json.loads(ready[1])["missing"]) == (200, {})
    assert 'dmarq_dependency_up{dependency="nats"} 1.0' in metrics[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(start: Start, broker: EmbeddedNats, number: signal.Signals) -> None:
    process = start(DMARQ_NATS_URL=broker.url)
    says(process, "started")
    process.send_signal(number)

    assert process.wait(TIMEOUT) == 0
    assert process.stderr is not None
    assert "warning" not in process.stderr.read()


def test_a_signal_ends_it_while_nats_is_away(start: Start, broker: EmbeddedNats) -> None:
    broker.stop()
    process = start(DMARQ_NATS_URL=broker.url)
    says(process, "waiting_for")
    process.terminate()

    assert process.wait(TIMEOUT) == 0
    assert process.stderr is not None
    assert "nats_disconnected" not in process.stderr.read()


def test_where_it_looks_for_nats_is_said_without_user_and_password(start: Start, broker: EmbeddedNats) -> None:
    broker.stop()
    process = start(DMARQ_NATS_URL=f"nats://somebody:hunter2@127.0.0.1:{broker.port}")
    line = says(process, "waiting_for")
    process.terminate()

    assert line["servers"] == f"127.0.0.1:{broker.port}"
    assert process.stderr is not None
    said = str(line) + process.stderr.read()
    assert not [secret for secret in ("somebody", "hunter2") if secret in said]


def test_a_signal_ends_it_when_nats_has_gone_away(start: Start, broker: EmbeddedNats) -> None:
    process = start(DMARQ_NATS_URL=broker.url)
    says(process, "started")
    assert broker.child is not None
    broker.child.kill()
    says(process, "nats_disconnected")
    process.terminate()

    assert process.wait(TIMEOUT) == 0


def test_a_wrong_password_is_said_and_never_shown(start: Start, broker: EmbeddedNats) -> None:
    process = start(DMARQ_NATS_URL=f"nats://dmarq:hunter2@127.0.0.1:{broker.port}")
    line = says(process, "nats_error")
    process.terminate()

    assert "Authorization" in str(line["error"])
    assert process.stderr is not None
    assert "hunter2" not in str(line) + process.stderr.read()


def test_a_port_that_is_taken_ends_it_with_one_clear_line(start: Start, broker: EmbeddedNats) -> None:
    process = start(DMARQ_NATS_URL=broker.url, DMARQ_HEALTH_ADDRESS=f"127.0.0.1:{broker.port}")
    _, err = process.communicate(timeout=TIMEOUT)

    assert process.returncode == 1
    assert "address already in use" in err
    assert "Traceback" not in err


def test_the_streams_are_made_again_when_the_broker_comes_back_without_them(
    start: Start, broker: EmbeddedNats, tmp_path: Path
) -> None:
    process = start(DMARQ_NATS_URL=broker.url, DMARQ_LOG_LEVEL="debug")
    says(process, "started")
    assert broker.child is not None
    broker.child.kill()
    _lose_disk(broker)
    broker.start()
    says(process, "nats_reconnected")
    says(process, "topology_ensured")
    process.terminate()

    assert process.wait(TIMEOUT) == 0


def _lose_disk(broker: EmbeddedNats) -> None:
    import shutil

    shutil.rmtree(broker._data.path / "nats")
