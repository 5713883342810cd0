"""systemd understands the unit."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.deployment import DEPLOY


@pytest.fixture
def analyzer() -> str:
    path = shutil.which("systemd-analyze")
    if path is None:
        pytest.skip("the program systemd-analyze is missing: it comes with systemd")
    return path


def test_systemd_has_nothing_to_say_about_the_unit(analyzer: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd/dmarq.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/dmarq/bin/dmarq run\n" in text
    unit = tmp_path / "dmarq.service"
    unit.write_text(text.replace("/opt/dmarq/bin/dmarq run", "/bin/true"), encoding="utf-8")  # it is not installed here

    done = subprocess.run([analyzer, "verify", unit], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")
