"""Everything on one machine: what a service is given, and what a user is told when it cannot start."""

import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dmarq.embedded import DataDir
from dmarq.embedded.child import MAX_LOG_BYTES, cut_if_large
from dmarq.embedded.programs import LOOPBACK, free_port
from dmarq.services import MODULES, SECRETS_OF, without_others_secrets
from dmarq.stack import Stack
from pipeline.settings import Settings, process_environment

DMARQ = Path(sys.prefix) / "bin" / "dmarq"


def run(**environment: str) -> "subprocess.CompletedProcess[str]":
    everything = {**process_environment(), **environment}
    return subprocess.run([DMARQ, "run"], env=everything, capture_output=True, text=True, timeout=60, check=False)


def test_an_address_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        address = f"{LOOPBACK}:{taken.getsockname()[1]}"
        done = run(DMARQ_DATA_DIR=str(tmp_path), DMARQ_HTTP_ADDRESS=address)

    assert done.returncode == 1
    assert f"dmarq: cannot listen on {address}" in done.stderr
    assert "DMARQ_HTTP_ADDRESS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_as_the_data_directory_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = run(DMARQ_DATA_DIR=str(file))

    assert done.returncode == 1
    assert "DMARQ_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_that_is_not_there_is_named_with_its_variable(tmp_path: Path) -> None:
    done = run(DMARQ_DATA_DIR=str(tmp_path), DMARQ_NATS_SERVER="/nonexistent", DMARQ_HTTP_ADDRESS=f"{LOOPBACK}:0")

    assert done.returncode == 1
    assert "DMARQ_NATS_SERVER names no program" in done.stderr


@pytest.mark.parametrize("forks", [True, False])
def test_each_service_runs_as_its_own_user_of_the_broker_and_makes_no_streams(tmp_path: Path, *, forks: bool) -> None:
    settings = Settings.load({"DMARQ_HTTP_ADDRESS": f"{LOOPBACK}:{free_port()}"})
    with DataDir(tmp_path / "data") as data, Stack(data, settings, forks=forks) as stack:
        given = {service.name: service.spec.environment or {} for service in stack.services}
        link = stack.sign_in_link()

    assert link.startswith(f"http://{settings.http_address}/")
    assert {urlsplit(one["DMARQ_NATS_URL"]).username for one in given.values()} == set(MODULES) == set(given)
    assert {one["DMARQ_MIGRATE"] for one in given.values()} == {"false"}


def test_the_extractor_is_given_no_secret_of_other_services() -> None:
    everything = {"PATH": "/bin", "DMARQ_LOG_LEVEL": "info"}
    for names in SECRETS_OF.values():
        everything |= dict.fromkeys(names, "secret") | {f"{name}_FILE": "secret" for name in names}

    assert without_others_secrets(everything, service="extractor") == {"PATH": "/bin", "DMARQ_LOG_LEVEL": "info"}


def test_config_api_keeps_the_mailboxes_it_is_given() -> None:
    given = {"DMARQ_MAILBOXES": "[]"}

    assert given == without_others_secrets(given, service="config-api")
    assert without_others_secrets(given, service="fetcher") == {}


def test_a_log_that_has_grown_large_is_emptied_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "fetcher.log"
    with path.open("ab") as log:
        log.write(b"x" * (MAX_LOG_BYTES + 1))
        log.flush()
        cut_if_large(path)
        log.write(b"after\n")

    assert path.read_bytes() == b"after\n"
    assert (tmp_path / "fetcher.log.1").stat().st_size == MAX_LOG_BYTES + 1
