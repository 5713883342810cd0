"""`dmarq import` and `dmarq reparse` against the running pipeline."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from config_api.system.importing import MAILBOX_ID
from dmarq.__main__ import dmarq
from dmarq.embedded.programs import free_port
from dmarq.samples import make_mails, total
from tests.support.reports import changed
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN, Services, services

MAILS = 120
TLS = json.dumps(
    {
        "organization-name": "Reporter",
        "date-range": {"start-datetime": "2026-01-01T00:00:00Z", "end-datetime": "2026-01-01T23:59:59Z"},
        "contact-info": "tls@reporter.example",
        "report-id": "tls-1",
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-string": [], "policy-domain": "example.com"},
                "summary": {"total-successful-session-count": 3, "total-failure-session-count": 0},
            }
        ],
    }
)
OUTCOMES = "SELECT outcome, count(*) FROM mail WHERE mailbox_id = $1 GROUP BY 1"


@pytest.fixture
def running(
    nats_url: str, postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Services, str]]:
    """The pipeline without a fetcher, and the URL of its database."""
    logs = tmp_path / "logs"
    logs.mkdir()
    names = ("parser", "extractor", "config-api")
    with (
        fresh_database(postgres_server) as database_url,
        services(*names, nats_url=nats_url, database_url=database_url, logs=logs) as started,
    ):
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", started.http_address)
        monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
        yield started, database_url


async def command(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, dmarq, arguments)


async def imported(folder: Path) -> Result:
    return await command("import", "--no-wait", str(folder))


async def ledger(database_url: str, mails: int) -> dict[str, int]:
    """The mails by outcome, once there are so many."""
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(60):
            while True:
                found = {row["outcome"]: row["count"] for row in await connection.fetch(OUTCOMES, MAILBOX_ID)}
                if sum(found.values()) >= mails:
                    return found
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def test_a_folder_is_imported_and_imported_again_it_is_known(
    running: tuple[Services, str], tmp_path: Path
) -> None:
    _, database_url = running
    folder = tmp_path / "reports"
    folder.mkdir()
    mails = list(make_mails(MAILS, seed=11))
    for number, mail in enumerate(mails):
        (folder / f"{number}.eml").write_bytes(mail.raw)
    (folder / "bare.xml").write_text(changed("r-1", "bare"), encoding="utf-8")
    expected = {outcome.value: number for outcome, number in total(mails).outcomes.items() if number}
    expected["imported"] += 1

    first = await imported(folder)

    assert (first.exit_code, first.stdout) == (0, f"{MAILS + 1} sent\n"), first.output
    outcomes = await ledger(database_url, MAILS + 1)
    assert sum(outcomes.values()) == sum(expected.values())
    assert outcomes["imported"] == expected["imported"]

    again = await imported(folder)

    assert again.exit_code == 0
    (folder / "one-more.xml").write_text(changed("r-1", "more"), encoding="utf-8")
    assert (await imported(folder)).exit_code == 0
    assert await ledger(database_url, MAILS + 2) == outcomes | {"imported": outcomes["imported"] + 1}


async def test_a_file_over_the_limit_is_named_and_the_others_are_sent(
    running: tuple[Services, str], tmp_path: Path
) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "good.xml").write_text(changed("r-1", "good"), encoding="utf-8")
    (folder / "huge.xml").write_bytes(b"<" + b" " * 11_000_000)

    result = await imported(folder)

    assert result.exit_code == 1
    assert "huge.xml" in result.stderr
    assert result.stdout == "1 sent, 1 left out\n" or result.stdout == "1 left out, 1 sent\n"


async def test_the_import_waits_for_what_becomes_of_each_file(running: tuple[Services, str], tmp_path: Path) -> None:
    started, _ = running
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "good.xml").write_text(changed("r-1", "good"), encoding="utf-8")
    (folder / "bad.xml").write_text("<feedback><report_metadata>", encoding="utf-8")
    (folder / "note.txt").write_text("nothing of interest", encoding="utf-8")

    first = await command("import", str(folder))

    assert first.exit_code == 1, first.output
    assert f"{folder / 'good.xml'}: imported\n  http://{started.http_address}/mails/" in first.stdout
    assert f"{folder / 'bad.xml'}: failed: " in first.stdout
    assert f"{folder / 'note.txt'}: failed: " in first.stdout
    assert sorted(first.stdout.splitlines()[-1].split(", ")) == ["1 imported", "2 failed"]

    again = await command("import", "--json", str(folder / "good.xml"))

    assert again.exit_code == 0
    assert json.loads(again.stdout)["outcome"] == "imported"


async def test_what_does_not_end_in_time_is_named_as_on_its_way(running: tuple[Services, str], tmp_path: Path) -> None:
    started, _ = running
    started.running["extractor"].stop()
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "good.xml").write_text(changed("r-1", "good"), encoding="utf-8")

    result = await command("import", "--timeout", "1", str(folder))

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "1 on its way"


@pytest.mark.parametrize("kind", ["old", "tls"])
async def test_the_doctor_knows_the_domains_of_every_report(
    running: tuple[Services, str], tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "report").write_text(changed("r-1", "old") if kind == "old" else TLS, encoding="utf-8")
    assert (await command("import", str(folder))).exit_code == 0

    told = await command("doctor", "--server", "127.0.0.1", "--port", str(free_port()))

    assert "No report is known yet" not in told.output
    assert "example.com" in told.output


async def test_a_wrong_token_ends_the_import_at_once(
    running: tuple[Services, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMARQ_ADMIN_TOKEN", "another one, long enough")
    for number in range(30):
        (tmp_path / f"{number}.xml").write_text(changed("r-1", str(number)), encoding="utf-8")

    result = await imported(tmp_path)

    assert result.exit_code == 1
    assert result.stderr.count("left out") == 0


async def test_a_report_that_an_older_parser_refused_is_read_by_command(
    running: tuple[Services, str], tmp_path: Path
) -> None:
    _, database_url = running
    folder = tmp_path / "reports"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.xml").write_text(changed("r-1", name), encoding="utf-8")
    await imported(folder)
    await ledger(database_url, 2)
    await as_if_refused(database_url, "one")
    arguments = ("reparse", "--reason", "not_well_formed", "--json")

    tried = await command(*arguments, "--dry-run")
    assert json.loads(tried.stdout)["counts"] == {"new": 1}, tried.output
    assert await reports(database_url) == {"two"}

    done = await command(*arguments)
    assert json.loads(done.stdout)["counts"] == {"new": 1}
    assert await reports(database_url) == {"one", "two"}
    again = await command("reparse")
    assert again.stdout.split() == ["2", "documents:", "2", "read", "as", "before"]


async def as_if_refused(database_url: str, report_id: str) -> None:
    """What an older parser would have left, had it not been able to read the report."""
    connection = await asyncpg.connect(database_url)
    try:
        number = await connection.fetchval("DELETE FROM report WHERE report_id = $1 RETURNING id", report_id)
        await connection.execute("DELETE FROM record WHERE report = $1", number)
        await connection.execute(
            "UPDATE document SET outcome = 'refused', reason = 'not_well_formed', report = NULL WHERE id = $1", number
        )
    finally:
        await connection.close()


async def reports(database_url: str) -> set[str]:
    connection = await asyncpg.connect(database_url)
    try:
        return {row["report_id"] for row in await connection.fetch("SELECT report_id FROM report")}
    finally:
        await connection.close()
