"""Sources are named, added up and judged behind storing, from what the reports say."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.sources.data import NamingData, NamingFiles
from parser.sources.row_names import RowNames
from parser.storage.transaction import AnnouncementOptions, Store
from parser.upkeep import drop_records
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import BEGIN
from tests.support.sending import ALL, DAY_S, OWN, envelope, record, report, settle, signed


@pytest.fixture
def data() -> NamingData:
    return NamingData(NamingFiles())


async def verdicts(postgres: Database) -> dict[str, str]:
    found = await rows(postgres, "SELECT host(source_ip) AS ip, verdict FROM source_verdict ORDER BY source_ip")
    return {row["ip"]: row["verdict"] for row in found}


async def test_each_source_gets_its_verdict_from_what_reports_say(
    parser: ParserHandler, postgres: Database, data: NamingData
) -> None:
    await parser([extracted(1, report(*ALL))])
    await settle(postgres, data)

    assert await verdicts(postgres) == {
        "192.0.2.1": "aligned",
        "192.0.2.10": "misaligned",
        "192.0.2.20": "forwarded",
        "192.0.2.66": "failing",
    }
    assert await values(postgres, "SELECT service FROM source WHERE service IS NOT NULL") == ["twilio-sendgrid"]


async def test_sums_tell_what_passed_and_how(parser: ParserHandler, postgres: Database, data: NamingData) -> None:
    await parser([extracted(1, report(*ALL)), extracted(2, report(OWN, number=2, day=1))])
    await settle(postgres, data)

    query = "SELECT messages, passed, failed, dkim, spf, overridden FROM source_verdict ORDER BY source_ip"
    assert [tuple(row.values()) for row in await rows(postgres, query)] == [
        (1000, 1000, 0, 1000, 1000, 0),
        (2310, 0, 2310, 0, 0, 0),
        (40, 40, 0, 40, 0, 40),
        (900, 0, 900, 0, 0, 0),
    ]


async def test_what_was_said_before_is_noted_for_a_new_day_and_again_once_it_was_forgotten(
    parser: ParserHandler, postgres: Database, data: NamingData
) -> None:
    said = "SELECT last_day - first_day FROM source_identity ORDER BY mechanism"
    noted = "SELECT last_day - first_day FROM source"
    await parser([extracted(1, report(OWN)), extracted(2, report(OWN, number=2, day=1))])
    await settle(postgres, data)
    assert await values(postgres, said) == [1, 1]
    await parser([extracted(3, report(OWN, number=3, day=-2))])
    await settle(postgres, data)
    assert await values(postgres, said) == [3, 3]
    assert await values(postgres, noted) == [3]

    await drop_records(postgres, months=1)
    assert await values(postgres, said) == []
    await parser([extracted(4, report(OWN, number=4))])
    await settle(postgres, data)
    assert await values(postgres, said) == [0, 0]
    assert await values(postgres, noted) == [0]


async def test_what_a_known_row_says_else_is_noted(parser: ParserHandler, postgres: Database, data: NamingData) -> None:
    await parser([extracted(1, report(OWN))])
    await settle(postgres, data)
    other = record("192.0.2.1", 1, dkim="pass", auth=signed("example.com", selector="s2"))
    await parser([extracted(2, report(OWN, other, number=2))])
    await settle(postgres, data)
    assert await values(postgres, "SELECT selector FROM source_identity WHERE mechanism = 'dkim' ORDER BY 1") == [
        "s1",
        "s2",
    ]


async def test_a_report_that_is_noted_twice_changes_no_identity(
    parser: ParserHandler, postgres: Database, data: NamingData
) -> None:
    await parser([extracted(1, report(*ALL))])
    await settle(postgres, data)
    query = "SELECT * FROM source_identity WHERE mechanism <> 'from' ORDER BY source_ip, mechanism, name"
    before = await rows(postgres, query)
    await rows(postgres, "SELECT add_to_sources((SELECT array_agg(id) FROM report))")

    assert await rows(postgres, query) == before
    assert [(row["mechanism"], row["name"], row["selector"], row["passed"]) for row in before] == [
        ("dkim", "example.com", "s1", True),
        ("spf", "example.com", "", True),
        ("dkim", "sendgrid.net", "s1", True),
        ("spf", "u1.wl.sendgrid.net", "", True),
        ("dkim", "example.com", "s1", True),
    ]


async def test_a_standing_is_obeyed_and_taken_back(parser: ParserHandler, postgres: Database, data: NamingData) -> None:
    await parser([extracted(1, report(*ALL))])
    await settle(postgres, data)
    say = "INSERT INTO source_standing (domain, kind, target, standing, who) VALUES ($1, $2, $3, $4, 'me')"
    await rows(postgres, say, "", "address", "192.0.2.66", "ours")
    await rows(postgres, say, "example.com", "service", "twilio-sendgrid", "not_ours")
    await settle(postgres, data)
    said = await verdicts(postgres)
    await rows(postgres, "DELETE FROM source_standing")
    await settle(postgres, data)

    assert (said["192.0.2.66"], said["192.0.2.10"]) == ("misaligned", "failing")
    assert (await verdicts(postgres))["192.0.2.66"] == "failing"


async def test_other_data_names_again_and_judges_again(
    parser: ParserHandler, postgres: Database, tmp_path: Path
) -> None:
    file = tmp_path / "services.json"
    data = NamingData(NamingFiles(services=file))
    own = record("192.0.2.7", 100, auth=envelope("out.mailer.example"))
    await parser([extracted(1, report(own))])
    await settle(postgres, data)
    before = await verdicts(postgres)
    service = {"id": "mailer", "name": "Mailer", "kind": "esp", "domains": ["mailer.example"]}
    file.write_text(json.dumps([service]), encoding="utf-8")
    await settle(postgres, data)

    assert before == {"192.0.2.7": "failing"}
    assert await verdicts(postgres) == {"192.0.2.7": "misaligned"}
    assert await values(postgres, "SELECT service FROM source") == ["mailer"]


async def test_a_broken_file_of_services_leaves_the_names_as_they_are(
    parser: ParserHandler, postgres: Database, tmp_path: Path
) -> None:
    file = tmp_path / "services.json"
    service = {"id": "mailer", "name": "Mailer", "kind": "esp", "domains": ["mailer.example"]}
    file.write_text(json.dumps([service]), encoding="utf-8")
    data = NamingData(NamingFiles(services=file))
    await parser([extracted(1, report(record("192.0.2.7", 100, auth=envelope("mailer.example"))))])
    await settle(postgres, data)
    file.write_text('[{"id": "mailer"', encoding="utf-8")
    await settle(postgres, data)

    assert await values(postgres, "SELECT service FROM source") == ["mailer"]


async def test_an_address_that_is_none_is_judged_too(
    parser: ParserHandler, postgres: Database, data: NamingData
) -> None:
    await parser([extracted(1, report(record("no address", 5), record("2001:db8::1", 5)))])
    await settle(postgres, data)

    assert sorted(await values(postgres, "SELECT verdict FROM source_verdict")) == ["failing", "failing"]


async def test_a_source_that_fell_silent_stays_with_nothing_sent(
    parser: ParserHandler, postgres: Database, data: NamingData
) -> None:
    await parser([extracted(1, report(*ALL))])
    await settle(postgres, data)
    await parser([extracted(2, report(OWN, number=2, day=70))])
    await settle(postgres, data)

    query = "SELECT host(source_ip) AS ip, messages, messages_before FROM source_verdict ORDER BY source_ip"
    found = {row["ip"]: (row["messages"], row["messages_before"]) for row in await rows(postgres, query)}
    assert found == {"192.0.2.1": (500, 0), "192.0.2.10": (0, 0), "192.0.2.20": (0, 0), "192.0.2.66": (0, 0)}


async def test_a_report_from_the_future_does_not_move_the_window(
    parser: ParserHandler, postgres: Database, data: NamingData
) -> None:
    ahead = (int(datetime.now(UTC).timestamp()) - BEGIN) // DAY_S + 400
    await parser([extracted(1, report(*ALL)), extracted(2, report(OWN, number=2, day=ahead))])
    await settle(postgres, data)

    assert (await verdicts(postgres))["192.0.2.10"] == "misaligned"
    assert await values(postgres, "SELECT last_day <= current_date FROM source_domain") == [True]


async def test_an_announced_row_has_the_names_of_its_source(postgres: Database, data: NamingData) -> None:
    options = AnnouncementOptions(max_rows=4, names=RowNames(data))
    handler = ParserHandler(postgres, Store(postgres, options), options=ReadOptions(), committed=lambda: None)
    await handler([extracted(1, report(*ALL))])

    query = "SELECT payload FROM outbox WHERE subject LIKE 'report.stored.%'"
    (payload,) = await values(postgres, query)
    names = {row["source_ip"]: row["source"]["service_name"] for row in json.loads(payload)["rows"]}
    assert names == {
        "192.0.2.1": None,
        "192.0.2.10": "Twilio SendGrid",
        "192.0.2.20": None,
        "192.0.2.66": None,
    }
