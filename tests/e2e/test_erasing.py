"""`dmarq erase`: what is kept of one address goes, of others it stays."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result

from dmarq.__main__ import dmarq
from dmarq.client import Client
from parser.upkeep import forget
from pipeline.postgres.connection import database as opened
from pipeline.telemetry.health import Readiness
from tests.support.failures import arf
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN, services

JANE, OTHER = "jane@example.com", "maryjane@example.com"
FAILED = f"From: Jane <{JANE}>\nSubject: Report Domain: example.com from {JANE}\nContent-Type: application/gzip\n\nx\n"


@pytest.fixture(params=["headers", "whole"])
def database(
    request: pytest.FixtureRequest, nats_url: str, postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The database of a running pipeline that has read failure reports of two people, and failed on an email of one."""
    (tmp_path / "logs").mkdir()
    other = arf().replace("jane@", "maryjane@").replace("report-1@", "report-2@")
    for name, text in (("jane", arf()), ("other", other), ("failed", FAILED)):
        (tmp_path / f"{name}.eml").write_text(text)
    monkeypatch.setenv("DMARQ_FAILURE_SAMPLE", request.param)
    with (
        fresh_database(postgres_server) as url,
        services(
            "parser", "extractor", "config-api", nats_url=nats_url, database_url=url, logs=tmp_path / "logs"
        ) as started,
    ):
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", started.http_address)
        monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
        run("import", *(str(tmp_path / f"{name}.eml") for name in ("jane", "other", "failed")))
        yield url


def run(*arguments: str) -> Result:
    return CliRunner().invoke(dmarq, list(arguments))


def everything(url: str) -> str:
    """All rows of all tables, as text; kept files apart, which are compressed."""

    async def read() -> str:
        connection = await asyncpg.connect(url)
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [row for name in names for row in await connection.fetch(f'SELECT t::text FROM "{name[0]}" AS t')]
        await connection.close()
        return "\n".join(row[0] for row in rows)

    return asyncio.run(read())


def test_nothing_is_left_of_the_address_and_all_of_others_stays(database: str) -> None:
    before = everything(database)

    dry = json.loads(run("erase", JANE, "--dry-run", "--json").stdout)
    assert dry == {"reports": 1, "documents": 1, "emails": 1, "activities": 0, "dead_letters": 1, "dry_run": True}
    assert everything(database) == before

    done = run("erase", JANE, "--json")
    assert json.loads(done.stdout) == dry | {"dry_run": False}, done.output

    left = json.loads(run("erase", JANE, "--dry-run", "--json").stdout)
    assert left == dict.fromkeys(left, 0) | {"dry_run": True}
    with Client.here() as client:
        assert list(client.items("/dead-letters", limit=10)) == []
        kept = sorted(report["has_document"] for report in map(_whole(client), client.items("/reports", limit=10)))
        assert kept == [False, True]
    assert "An email address was erased from what is kept" in everything(database)
    still = json.loads(run("erase", OTHER, "--dry-run", "--json").stdout)
    assert (still["reports"], still["documents"]) == (1, 1)


def _whole(client: Client) -> Any:
    return lambda report: client.get(f"/reports/{report['id']}")


def test_what_is_no_address_is_refused_in_one_line(database: str) -> None:
    for text in ("jane", "jane@", "@example.com", ".*@example.com[", "a b@example.com", "jane@example.com, x@y"):
        refused = run("erase", text)
        assert refused.exit_code == 1, text
        assert "One email address is needed" in refused.output


def test_a_dry_run_tells_how_many_failure_reports_would_go_and_the_parser_lets_just_those_go(database: str) -> None:
    asyncio.run(_age(database))

    told = run("retention", "--dry-run", "--failure-days", "30", "--json")
    kinds = {kind["kind"]: kind for kind in map(json.loads, told.stdout.splitlines())}
    assert (kinds["failure_reports"]["kept"], kinds["failure_reports"]["due"]) == (2, 1)

    asyncio.run(_forget(database))
    assert len(re.findall(r"auth-failure", everything(database))) == 1
    with Client.here() as client:
        [left] = client.items("/reports", limit=10)
        assert client.get(f"/reports/{left['id']}")["has_document"]


async def _age(url: str) -> None:
    """Makes one of the failure reports a year older."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "UPDATE report SET stored_at = stored_at - interval '1 year' WHERE id = (SELECT min(id) FROM report)"
    )
    await connection.close()


async def _forget(url: str) -> None:
    stopping = asyncio.Event()
    async with opened(url, size=1, name="test", stopping=stopping, readiness=Readiness()) as postgres:
        assert postgres is not None
        await forget(postgres, stopping, statement="forget_failure_reports", days=30)
