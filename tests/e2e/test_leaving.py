"""`dmarq export`: everything comes out, and what came out can be read in elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dmarq.__main__ import dmarq
from dmarq.client import Client
from dmarq.inputs import inputs
from dmarq.parsing import lines_of
from dmarq.samples import make_mails, total
from pipeline.contracts.limits import Limits
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN, services

MAILS = 40


@pytest.fixture
def site(nats_url: str, postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A running pipeline with some reports in it; an empty directory."""
    logs, folder, empty = (tmp_path / name for name in ("logs", "mails", "empty"))
    for path in (logs, folder, empty):
        path.mkdir()
    for number, mail in enumerate(make_mails(MAILS, seed=5)):
        (folder / f"{number}.eml").write_bytes(mail.raw)
    with (
        fresh_database(postgres_server) as database_url,
        services(
            "parser", "extractor", "config-api", nats_url=nats_url, database_url=database_url, logs=logs
        ) as started,
    ):
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", started.http_address)
        monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
        CliRunner().invoke(dmarq, ["import", str(folder)])
        yield empty


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def identity(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["kind"], line["org_name"], line["report_id"], line["domain"], line["messages"]


def test_every_report_comes_out_as_it_was_received_and_is_the_same_when_it_is_read_again(site: Path) -> None:
    with Client.here() as client:
        client.post("/mailboxes", {"name": "A", "host": "imap.example.com", "username": "a", "password": "hunter2"})
    there = site / "export"

    done = CliRunner().invoke(dmarq, ["export", str(there)])

    assert done.exit_code == 0, done.output
    reports = rows(there / "reports.jsonl")
    assert len(reports) == total(make_mails(MAILS, seed=5)).reports
    assert len(rows(there / "emails.jsonl")) == MAILS
    assert sum(1 for _ in rows(there / "records.jsonl")) == sum(
        r["records"] for r in reports if r["kind"] == "aggregate"
    )
    found = inputs([there / "documents"], max_bytes=Limits().max_mail_bytes)
    lines = [line for item in found for line in lines_of(item, limits=Limits(), is_full=False)]
    assert sorted(map(identity, lines)) == sorted(map(identity, reports))
    assert all((there / report["document"]).is_file() for report in reports)
    (mailbox,) = json.loads((there / "mailboxes.json").read_text())["mailboxes"]
    assert mailbox["host"] == "imap.example.com"
    assert "hunter2" not in (there / "mailboxes.json").read_text()

    applied = CliRunner().invoke(dmarq, ["mailbox", "apply", str(there / "mailboxes.json")])
    assert applied.stdout == "a: as the file says\n"


def test_a_directory_with_something_in_it_is_left_as_it_is(site: Path) -> None:
    (site / "mine").touch()

    done = CliRunner().invoke(dmarq, ["export", str(site)])

    assert done.exit_code == 1
    assert [path.name for path in site.iterdir()] == ["mine"]
