"""`dmarq mailbox apply` against the running API: what a file says is made, shown before, and made once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dmarq.__main__ import dmarq
from dmarq.client import Client
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN, services

THREE = """\
mailboxes:
  - name: Reports
    host: imap.example.com
    username: dmarc@example.com
    password: {env: REPORTS_PASSWORD}
    on_processed: {action: move, folder: Done}
  - id: tls
    name: TLS reports
    host: imap.example.com
    username: tls@example.com
    password: {file: tls.password}
    filters: {senders: [example.net]}
  - name: Others
    host: mail.example.org
    username: others
    password: {env: REPORTS_PASSWORD}
    enabled: no
"""


@pytest.fixture
def api(nats_url: str, postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    logs = tmp_path / "logs"
    logs.mkdir()
    with (
        fresh_database(postgres_server) as database_url,
        services("config-api", nats_url=nats_url, database_url=database_url, logs=logs) as started,
    ):
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", started.http_address)
        monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
        monkeypatch.setenv("REPORTS_PASSWORD", "hunter2-hunter2")
        (tmp_path / "tls.password").write_text("another-one\n")
        with Client.here() as client:
            yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mailboxes.yaml"
    path.write_text(THREE, encoding="utf-8")
    return path


def applied(file: Path, *options: str) -> Result:
    done = CliRunner().invoke(dmarq, ["mailbox", "apply", str(file), *options])
    assert "hunter2" not in done.output
    assert "another-one" not in done.output
    return done


def known(api: Client) -> dict[str, dict[str, Any]]:
    return {mailbox["id"]: mailbox for mailbox in api.get("/mailboxes")["items"]}


def test_three_mailboxes_are_made_as_the_file_says_and_made_again_nothing_changes(api: Client, file: Path) -> None:
    tried = applied(file, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "Reports: would be added: dmarc@example.com at imap.example.com" in tried.stdout
    assert known(api) == {}

    first = applied(file)
    assert first.exit_code == 0, first.output
    made = known(api)
    assert set(made) == {"reports", "tls", "others"}
    assert made["reports"]["on_processed"] == {"action": "move", "folder": "Done"}
    assert made["tls"]["filters"]["senders"] == ["example.net"]
    assert made["others"]["enabled"] is False
    assert all(mailbox["has_password"] for mailbox in made.values())

    again = applied(file)
    assert again.stdout.splitlines() == [f"{name}: as the file says" for name in ("reports", "tls", "others")]
    assert {name: m["version"] for name, m in known(api).items()} == {name: m["version"] for name, m in made.items()}


def test_a_change_is_told_in_words_before_and_after(api: Client, file: Path) -> None:
    applied(file)
    file.write_text(
        THREE.replace("action: move, folder: Done", "action: delete").replace("[example.net]", "[example.net, a.org]"),
        encoding="utf-8",
    )

    tried = applied(file, "--dry-run")
    assert "reports: would be changed" in tried.stdout
    assert "  on processed, action: move -> delete\n  on processed, folder: Done -> nothing\n" in tried.stdout
    assert "  filters, senders: example.net -> example.net, a.org\n" in tried.stdout
    assert known(api)["reports"]["on_processed"]["action"] == "move"

    done = applied(file)
    assert "reports: changed\n  on processed, action: move -> delete" in done.stdout
    assert known(api)["reports"]["on_processed"] == {"action": "delete", "folder": None}
    assert (applied(file)).stdout.count("as the file says") == 3


def test_a_new_password_is_saved_and_told_without_its_value(
    api: Client, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(file)
    before = known(api)
    monkeypatch.setenv("REPORTS_PASSWORD", "hunter2-hunter3")

    done = applied(file)

    assert "reports: changed\n  a secret is another one now\n" in done.stdout
    assert "tls: as the file says" in done.stdout
    assert known(api)["reports"]["version"] > before["reports"]["version"]


def test_what_the_file_does_not_name_is_deleted_only_when_asked(api: Client, file: Path) -> None:
    applied(file)
    one = {"id": "tls", "name": "TLS", "host": "imap.example.com", "username": "tls@example.com"}
    file = file.with_suffix(".json")
    file.write_text(json.dumps([one]), encoding="utf-8")

    kept = applied(file)
    assert kept.exit_code == 0, kept.output
    assert "reports: left alone" in kept.stdout
    assert set(known(api)) == {"reports", "tls", "others"}

    tried = applied(file, "--prune", "--dry-run")
    assert "reports: would be deleted" in tried.stdout
    assert set(known(api)) == {"reports", "tls", "others"}

    pruned = applied(file, "--prune")
    assert pruned.exit_code == 0, pruned.output
    assert set(known(api)) == {"tls"}
    assert known(api)["tls"]["has_password"]


def test_a_name_that_two_mailboxes_have_is_asked_for_by_id_before_anything_is_done(api: Client, file: Path) -> None:
    for name in ("one", "two"):
        api.post(
            "/mailboxes",
            {"id": name, "name": "Others", "host": "imap.example.com", "username": name, "password": "secret"},
        )

    done = applied(file)

    assert done.exit_code == 1
    assert "give its id, one of one, two" in done.stderr
    assert set(known(api)) == {"one", "two"}


def test_one_that_is_refused_is_named_and_the_others_are_made(api: Client, file: Path) -> None:
    applied(file)
    moved = THREE.replace("username: tls@", "username: other@").replace("{file: tls.password}", "null")
    file.write_text(moved.replace("enabled: no", "enabled: yes"), encoding="utf-8")

    done = applied(file)

    assert done.exit_code == 1
    assert "dmarq mailbox apply: TLS reports: " in done.stderr
    assert known(api)["others"]["enabled"] is True
