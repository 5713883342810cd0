"""A host of `dmarq run` is backed up, lost, and made again from its backup."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dmarq.embedded.programs import LOOPBACK, free_port
from pipeline.settings import process_environment
from tests.support.reports import changed

DMARQ = Path(sys.prefix) / "bin" / "dmarq"


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory that everybody may pass, as the account of PostgreSQL must."""
    with tempfile.TemporaryDirectory(prefix="dmarq-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def host(data: Path) -> Iterator[dict[str, str]]:
    """`dmarq run`, ready; the environment of commands beside it."""
    environment = {
        **process_environment(),
        "DMARQ_HTTP_ADDRESS": f"{LOOPBACK}:{free_port()}",
        "DMARQ_DATA_DIR": str(data),
    }
    with subprocess.Popen([DMARQ, "run"], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("stop with Ctrl-C" in line for line in process.stdout)
            yield environment
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def dmarq(environment: dict[str, str], *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [DMARQ, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.timeout(400)
def test_a_host_is_made_again_from_its_backup(place: Path) -> None:
    (place / "passphrase").write_text("correct horse battery staple\n")
    (place / "report.xml").write_text(changed("r-1", "kept"), encoding="utf-8")
    word = ("--passphrase-file", place / "passphrase")
    mailbox = {"id": "reports", "name": "R", "host": "imap.invalid", "username": "r", "enabled": False}
    (place / "mailboxes.json").write_text(json.dumps([mailbox | {"password": {"file": "passphrase"}}]))
    with host(place / "old") as environment:
        sent = dmarq(environment, "import", place / "report.xml")
        assert sent.returncode == 0, sent.stderr
        applied = dmarq(environment, "mailbox", "apply", place / "mailboxes.json")
        assert applied.returncode == 0, applied.stderr
        refused = dmarq(environment, "backup", place / "backup")
        assert refused.returncode == 1
        assert "is in use by process" in refused.stderr

    done = dmarq(environment, "backup", place / "backup", *word)
    assert done.returncode == 0, done.stderr
    done = dmarq(environment, "restore", place / "backup", "--data-dir", place / "new", *word)
    assert done.returncode == 0, done.stderr

    with host(place / "new") as environment:
        again = dmarq(environment, "import", "--json", place / "report.xml")
        known = dmarq(environment, "status", "--json")
        applied = dmarq(environment, "mailbox", "apply", place / "mailboxes.json")
        with subprocess.Popen(
            [DMARQ, "events", "--durable", "t"], env=environment, stdout=subprocess.PIPE, text=True
        ) as events:
            assert events.stdout is not None
            line = json.loads(events.stdout.readline())
            events.send_signal(signal.SIGINT)
    assert json.loads(again.stdout)["outcome"] == "imported"
    whole = next(row for row in map(json.loads, known.stdout.splitlines()) if "mails" in row)
    assert whole["mails"]["fetched"] == whole["mails"]["imported"] == 1
    assert applied.stdout == "reports: as the file says\n", "its password is still what it was, under the kept key"
    assert line["data"]["report_id"] == "kept"
