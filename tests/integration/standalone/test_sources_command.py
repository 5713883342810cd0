"""`dmarq sources` and `dmarq domains` against a running config-api."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dmarq.__main__ import dmarq
from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.sources.data import NamingData, NamingFiles
from parser.storage.transaction import AnnouncementOptions, Store
from pipeline.postgres.connection import Database, database
from pipeline.telemetry.health import Readiness
from tests.support.extracted import extracted
from tests.support.sending import ALL, NO_STOP, report, settle
from tests.support.services import ADMIN_TOKEN, services

COLUMNS = 80


@pytest.fixture
def _system(nats_url: str, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    asyncio.run(_filled(migrated_url))
    with services("config-api", nats_url=nats_url, database_url=migrated_url, logs=tmp_path) as started:
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", started.http_address)
        monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
        yield


async def _filled(url: str) -> None:
    opened = database(url, size=1, name="test", stopping=NO_STOP, readiness=Readiness())
    async with opened as postgres:
        assert isinstance(postgres, Database)
        store = Store(postgres, AnnouncementOptions())
        await ParserHandler(postgres, store, options=ReadOptions(), committed=lambda: None)(
            [extracted(1, report(*ALL))]
        )
        await settle(postgres, NamingData(NamingFiles()))


def command(*arguments: str) -> Result:
    return CliRunner().invoke(dmarq, arguments)


@pytest.mark.usefixtures("_system")
def test_sources_and_domains_are_told_in_tables_of_80_columns_and_as_json() -> None:
    sources = command("sources", "--domain", "example.com")
    failing = command("sources", "--verdict", "failing", "--json")
    domains = command("domains")
    one = command("domains", "example.com")
    as_json = command("domains", "example.com", "--json")

    assert [result.exit_code for result in (sources, failing, domains, one, as_json)] == [0] * 5, sources.output
    assert "192.0.2.10 (Twilio" in sources.output
    assert "Yours, failing" in sources.output
    assert [json.loads(line)["source_ip"] for line in failing.output.splitlines()] == ["192.0.2.66"]
    assert domains.output.splitlines()[1].split() == ["example.com", "none", "3,750", "14.4%", "1", "1", "2023-11-14"]
    assert "example.com: the policy is none, say the latest reports" in one.output
    assert "quarantine: reports of 1 day; 14 are needed" in one.output
    assert "its DNS was not asked for yet" in one.output
    assert json.loads(as_json.output)["dns"]["latest"] is None
    tables = [*sources.output.splitlines(), *domains.output.splitlines()]
    assert max(map(len, tables)) <= COLUMNS


@pytest.mark.usefixtures("_system")
def test_what_cannot_be_told_is_one_line() -> None:
    unknown = command("domains", "example.org")
    nobody = command("domains", "example.com", "--ask-dns")
    unnamed = command("domains", "--ask-dns")

    assert (unknown.exit_code, nobody.exit_code, unnamed.exit_code) == (1, 1, 2)
    assert "No fetcher is running" in nobody.output
    assert "name the domain" in unnamed.output
