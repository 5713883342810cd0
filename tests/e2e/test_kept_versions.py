"""What an earlier version left is all there when this one starts on it."""

import gzip
import json
import lzma
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dmarq.samples import make_mails
from pipeline.settings import process_environment
from tests.e2e.test_backup_of_a_host import dmarq, host
from tests.support.failures import arf

KEPT = sorted((Path(__file__).parents[1] / "samples").glob("kept-*.backup.xz"))


@pytest.fixture(params=KEPT, ids=lambda path: path.name)
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory with the backup that a version has left, as `dmarq backup` wrote it."""
    with tempfile.TemporaryDirectory(prefix="dmarq-test-") as name:
        Path(name).chmod(0o711)
        (Path(name) / "backup").write_bytes(gzip.compress(lzma.decompress(request.param.read_bytes()), compresslevel=1))
        yield Path(name)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.timeout(400)
def test_this_version_finds_all_that_an_earlier_one_kept(place: Path) -> None:
    (place / "emails").mkdir()
    for number, mail in enumerate(make_mails(24, seed=7)):
        (place / "emails" / f"{number}.eml").write_bytes(mail.raw)
    (place / "emails" / "failure.eml").write_text(arf())

    restored = dmarq(_environment(place), "restore", place / "backup", "--data-dir", place / "data")
    assert restored.returncode == 0, restored.stderr

    with host(place / "data") as environment:
        [mailbox] = lines(dmarq(environment, "mailbox", "list", "--json").stdout)
        assert (mailbox["id"], mailbox["name"]) == ("reports", "Reports")
        assert len(lines(dmarq(environment, "dead", "list", "--json").stdout)) == 2
        exported = dmarq(environment, "export", place / "out")
        assert exported.returncode == 0, exported.stderr
        before = lines((place / "out" / "reports.jsonl").read_text())
        assert len(before) == 24
        assert sum(1 for report in before if report["document"]) == 24
        assert len(lines((place / "out" / "emails.jsonl").read_text())) == 26

        again = dmarq(environment, "import", place / "emails", "--json")
        assert {line["outcome"] for line in lines(again.stdout)} <= {"imported", "duplicate", "failed", "not a report"}
        assert dmarq(environment, "export", place / "then").returncode == 0
        assert len(lines((place / "then" / "reports.jsonl").read_text())) == 24


def _environment(place: Path) -> dict[str, str]:
    return process_environment() | {"DMARQ_DATA_DIR": str(place / "data")}


def test_a_version_is_kept() -> None:
    assert KEPT
