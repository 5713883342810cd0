"""`dmarq run` as somebody starts it in the background: its users, and its end."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nats
import psutil
import pytest

from dmarq.embedded.programs import LOOPBACK, free_port
from pipeline.contracts.topology import STREAMS
from pipeline.settings import process_environment
from tests.support.processes import IGNORING_SIGINT

DMARQ = Path(sys.prefix) / "bin" / "dmarq"


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Everything on one machine, ready, started where SIGINT is ignored; its data is in "data"."""
    environment = {**process_environment(), "DMARQ_HTTP_ADDRESS": f"{LOOPBACK}:{free_port()}"}
    command = [*IGNORING_SIGINT, str(DMARQ), "run", "--data-dir", str(tmp_path / "data")]
    with (
        (tmp_path / "stderr").open("w", encoding="utf-8") as stderr,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            assert any("stop with Ctrl-C" in line for line in process.stdout)
            yield process
        finally:
            process.kill()


def test_the_signal_of_ctrl_c_ends_it_where_the_shell_ignores_it(running: "subprocess.Popen[str]") -> None:
    running.send_signal(signal.SIGINT)

    assert running.wait(60) == 0


@pytest.mark.usefixtures("running")
def test_the_first_start_says_nothing_but_where_it_is(tmp_path: Path) -> None:
    assert (tmp_path / "stderr").read_text(encoding="utf-8") == ""


def test_no_process_shows_a_secret_in_its_environment(running: "subprocess.Popen[str]", tmp_path: Path) -> None:
    secrets = [path.read_bytes() for path in (tmp_path / "data").glob("*.secret")]
    family = [running.pid, *(child.pid for child in psutil.Process(running.pid).children(recursive=True))]
    environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in family]

    assert len(secrets) > 5
    assert len(family) > 8
    assert not [pid for pid, shown in zip(family, environments, strict=True) if any(s in shown for s in secrets)]


@pytest.mark.usefixtures("running")
def test_the_streams_are_made_before_the_services_start(tmp_path: Path) -> None:
    config = (tmp_path / "data/nats-config/nats.conf").read_text(encoding="utf-8")
    address = json.loads(config.partition("listen: ")[2].partition("\n")[0])
    password = (tmp_path / "data/nats-operator.secret").read_text(encoding="utf-8")

    assert asyncio.run(_streams(address, password)) >= {stream.name for stream in STREAMS}


async def _streams(address: str, password: str) -> set[str]:
    async with await nats.connect(f"nats://{address}", user="operator", password=password) as client:
        return {info.config.name or "" for info in await client.jetstream().streams_info()}
