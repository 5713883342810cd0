"""`dmarq import` of what other tools kept: each report once, however it came, and in whatever order."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from dmarq.__main__ import dmarq
from dmarq.client import Client
from dmarq.samples import make_mails
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN, services

SAMPLES = Path(__file__).parents[1] / "samples" / "parsedmarc-11.1"


@pytest.fixture
def site(nats_url: str, postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A running pipeline; a directory with the emails that parsedmarc was given, and beside it what it kept."""
    for name in ("logs", "emails", "parsedmarc"):
        (tmp_path / name).mkdir()
    for number, mail in enumerate(make_mails(24, seed=7)):
        (tmp_path / "emails" / f"{number}.eml").write_bytes(mail.raw)
    for file in SAMPLES.glob("*.gz"):
        (tmp_path / "parsedmarc" / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    with (
        fresh_database(postgres_server) as database_url,
        services(
            "parser", "extractor", "config-api", nats_url=nats_url, database_url=database_url, logs=tmp_path / "logs"
        ) as started,
    ):
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", started.http_address)
        monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
        yield tmp_path


@contextmanager
def database_of_parsedmarc(server: str) -> Iterator[str]:
    """The URL of a database with the tables that parsedmarc made and filled."""

    async def fill(url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(gzip.decompress((SAMPLES / "tables.sql.gz").read_bytes()).decode())
        await connection.close()

    with fresh_database(server) as url:
        asyncio.run(fill(url))
        yield url


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(dmarq, ["import", *map(str, arguments)])


def counted() -> dict[str, int]:
    """How many reports there are, and how many of them count."""
    with Client.here() as client:
        reports = list(client.items("/reports", limit=1000))
    return {"all": len(reports), "counting": sum(not report["variant"] for report in reports)}


def test_reports_that_are_there_are_known_in_the_json_csv_and_tables_of_parsedmarc(
    site: Path, postgres_server: str
) -> None:
    run(site / "emails")
    before = counted()
    kept = site / "parsedmarc"

    done = run(kept / "aggregate.json", kept / "smtp_tls.json")
    assert "from parsedmarc: 21 read, of these 21 duplicate" in done.stdout, done.output
    assert "from parsedmarc: 20 read, of these 7 duplicate, 13 known already" in run(kept / "aggregate.csv").stdout
    with database_of_parsedmarc(postgres_server) as url:
        from_tables = run(url)
    assert "from parsedmarc: 22 read, of these" in from_tables.stdout, from_tables.output
    assert "21 duplicate" in from_tables.stdout  # the failure report is new
    assert counted() == {name: number + 1 for name, number in before.items()}


def test_reports_that_come_by_email_after_those_of_parsedmarc_count_once(site: Path) -> None:
    first = run(site / "parsedmarc" / "aggregate.json", site / "parsedmarc" / "failure.json", "--json")
    told = [json.loads(line) for line in first.stdout.splitlines()]
    assert [one["outcome"] for one in told] == ["imported"] * 21
    assert {one["tool"] for one in told} == {"parsedmarc"}

    run(site / "emails")
    again = run(site / "parsedmarc" / "aggregate.csv")

    assert "from parsedmarc: 20 read, of these 7 duplicate, 13 known already" in again.stdout
    assert counted()["counting"] == 24  # 20 aggregate ones, 2 that parsedmarc passed over, a failure and a TLS report
    with Client.here() as client:
        [first_report, *_] = client.items("/reports", limit=1, variant=False, kind="aggregate")
        assert "rebuilt" in client.get(f"/reports/{first_report['id']}")["repairs"]
        trace = client.get(f"/mails/{told[0]['mail_id']}")
    assert trace["mail"]["subject"].startswith("Imported: parsedmarc aggregate.json#")


def test_an_empty_or_unreachable_database_is_refused_in_one_line(site: Path, postgres_server: str) -> None:
    with fresh_database(postgres_server) as url:
        nothing = run(url)
    gone = run("postgresql://me:hunter2@127.0.0.1:9/x")
    assert (nothing.exit_code, gone.exit_code) == (1, 1)
    assert "neither the tables of parsedmarc" in nothing.output
    assert "the database cannot be reached" in gone.output
    assert "hunter2" not in gone.output
