"""The commands of the README do what it says."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from dmarq.embedded.programs import LOOPBACK, free_port
from dmarq.samples import SampleKind, make_mails
from pipeline.settings import process_environment

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WAIT_S = 110


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    inline = re.findall(r"`(make [^`]+)`", README)
    return [line for block in blocks for line in block.splitlines() if line] + inline


def make(*words: str) -> list[str]:
    """The make command in the virtual environment that runs these tests, which is not built again."""
    return ["make", "--no-print-directory", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/ready", *words]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    data = {"DMARQ_DATA_DIR": str(tmp_path / "data"), "DMARQ_HTTP_ADDRESS": f"{LOOPBACK}:{free_port()}"}
    return process_environment() | data


@pytest.fixture
def running(environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(make("run"), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def test_the_readme_names_only_commands_that_exist() -> None:
    listed = subprocess.run(make("help"), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = {line.split()[1] for line in listed.splitlines() if line.strip().startswith("make ")}
    named = {line.split()[1] for line in commands() if line.startswith("make ")}

    assert {"demo", "test", "run"} <= named
    assert named <= targets


def test_make_demo_keeps_every_promise(environment: dict[str, str]) -> None:
    done = subprocess.run(
        make("demo", "ARGS=--mails 120 --once --json"),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    summary = json.loads(done.stdout[done.stdout.index("{") :])

    assert done.returncode == 0
    assert [promise for promise in summary["promises"] if not promise["kept"]] == []
    assert summary["mails"] == 120
    assert summary["reports"] > 100


def test_make_run_prints_an_address_that_answers_and_a_sign_in_link(running: "subprocess.Popen[str]") -> None:
    assert running.stdout is not None
    printed = ""
    while "stop with Ctrl-C" not in printed:
        line = running.stdout.readline()
        assert line, f"make run ended: {printed}"
        printed += line
    address = re.search(r"running on (http://\S+)", printed)
    link = re.search(r"sign in: +(http://\S+/sign-in#\S+)", printed)

    assert address is not None
    assert link is not None
    with urlopen(link[1].partition("#")[0]) as page:
        assert page.status == 200


def test_dmarq_parse_prints_a_line_for_each_report(tmp_path: Path) -> None:
    mails = [mail for mail in make_mails(20, 1) if mail.kind is SampleKind.REPORT]
    for number, mail in enumerate(mails):
        (tmp_path / f"{number}.eml").write_bytes(mail.raw)
    dmarq = Path(sys.prefix) / "bin" / "dmarq"
    done = subprocess.run([dmarq, "parse", tmp_path], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert [mail.messages for mail in mails] == [
        line["messages"] for line in sorted(lines, key=lambda line: int(Path(line["file"]).stem))
    ]
