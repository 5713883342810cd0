"""`dmarq parse` on a terminal: a summary that people read; JSON lines where the output goes elsewhere."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.reports import changed

PARSE = (str(Path(sys.prefix) / "bin" / "dmarq"), "parse")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "good.xml").write_text(changed("r-1", "good"), encoding="utf-8")
    (tmp_path / "bad.xml").write_text("<feedback><report_metadata>", encoding="utf-8")
    (tmp_path / "note.eml").write_text("Subject: Lunch\n\nAt noon?\n", encoding="utf-8")
    return tmp_path


def on_a_terminal(*arguments: str) -> str:
    """What a person would see."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*PARSE, *arguments], stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while piece := _read(ours):
            said += piece
    os.close(ours)
    assert process.returncode == 0
    return said.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how a terminal ends on Linux
        return b""


def test_a_terminal_gets_a_summary(files: Path) -> None:
    said = on_a_terminal(str(files))

    assert f"{files / 'good.xml'}\n  DMARC report by " in said
    assert "refused: " in said
    assert said.endswith("\n1 report, 1 refused, 1 not a report\n")
    assert "{" not in said
    assert "_" not in said.replace(str(files), "")


@pytest.mark.parametrize("option", ["--json", "--full"])
def test_a_terminal_gets_json_on_demand(files: Path, option: str) -> None:
    lines = [json.loads(line) for line in on_a_terminal(option, str(files)).splitlines()]

    assert [line["outcome"] for line in lines] == ["refused", "valid", "not_a_report"]


def test_a_pipe_gets_json_lines_unasked(files: Path) -> None:
    done = subprocess.run([*PARSE, str(files)], capture_output=True, text=True, check=True)

    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["refused", "valid", "not_a_report"]


def test_a_reason_is_not_said_twice(tmp_path: Path) -> None:
    text = re.sub(r"(<policy_published>\s*)<domain>[^<]*</domain>", r"\1", changed("r-1", "good"))
    (tmp_path / "no-domain.xml").write_text(text, encoding="utf-8")

    said = on_a_terminal(str(tmp_path))

    assert said.count("the report does not name a policy domain") == 1
