"""Kept documents read again: what an older parser made of them is put right, once, in one transaction each."""

import gzip
import json

import pytest

from parser.handler import ParserHandler
from parser.reparse.worker import Reparser
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted
from tests.support.failures import arf
from tests.support.fixtures_postgres import rows, values
from tests.support.reparsing import TABLES, as_if_refused, everything, execute, reparsed
from tests.support.reports import RECORD, changed, report_xml, tls_tree


async def test_a_refused_document_becomes_a_report(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml(records=RECORD * 2))])
    before = await everything(postgres)
    await as_if_refused(postgres, 1)

    assert await reparsed(reparser, postgres) == {"new": 1}

    after = await everything(postgres)
    for table in ("report", "record", "document"):
        assert after[table] == before[table]
    assert after["mail"][0]["outcome"] == "imported"
    assert (after["mail"][0]["reason"], after["mail"][0]["lines"]) == (None, before["mail"][0]["lines"])
    subjects = await values(postgres, "SELECT subject FROM outbox ORDER BY id")
    assert subjects == ["report.stored.aggregate.example_com", "event.all.activity"]


async def test_nothing_is_done_to_the_mail_on_the_server(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])
    await as_if_refused(postgres, 1)

    await reparsed(reparser, postgres)

    assert await rows(postgres, "SELECT action, action_state FROM mail") == [{"action": "none", "action_state": "none"}]
    assert await values(postgres, "SELECT count(*) FROM outbox WHERE subject LIKE 'mailbox.command.%'") == [0]


OLD_READINGS = {
    "a count": "UPDATE record SET count = 99 WHERE position = 0",
    "a missing row": "DELETE FROM record WHERE position = 1",
    "a result": """UPDATE record SET spf_results = '[{"domain": "x", "scope": null, "result": "other",
        "human_result": null}]'""",
    "the sender": "UPDATE report SET org_name = 'Other', identity = '\\x00' WHERE report_id = 'r-1'",
    "the id, cut": "UPDATE report SET report_id='r', identity = '\\x01', fingerprint = '\\x02' WHERE report_id = 'r-1'",
    "the policy": "UPDATE report SET p = NULL, repairs = '{unknown-policy-word}'",
    "the totals": "UPDATE report SET message_count = 1, passed = 0",
}


@pytest.mark.parametrize("old", OLD_READINGS.values(), ids=OLD_READINGS.keys())
async def test_a_report_that_was_read_otherwise_is_put_right_under_its_number(
    parser: ParserHandler, reparser: Reparser, postgres: Database, old: str
) -> None:
    await parser([extracted(1, report_xml(records=RECORD * 3)), extracted(2, changed("r-1", "other"))])
    before = await everything(postgres)
    await execute(postgres, old)

    counts = await reparsed(reparser, postgres)

    assert counts["changed"] >= 1
    assert sum(counts.values()) == 2
    after = await everything(postgres)
    assert {table: after[table] for table in TABLES if table != "outbox"} == {
        table: before[table] for table in TABLES if table != "outbox"
    }
    assert await reparsed(reparser, postgres) == {"same": 2}


async def test_documents_that_turn_out_to_say_the_same_are_one_report(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])
    await as_if_refused(postgres, 1)
    await parser([extracted(2, report_xml())])
    assert await values(postgres, "SELECT count(*) FROM report") == [1]

    assert await reparsed(reparser, postgres) == {"duplicate": 1, "same": 1}

    assert await values(postgres, "SELECT count(*) FROM report") == [1]
    assert await values(postgres, "SELECT outcome FROM mail ORDER BY uid") == ["duplicate", "imported"]
    first = await rows(postgres, "SELECT report, bytes, outcome FROM document ORDER BY id LIMIT 1")
    [report] = await values(postgres, "SELECT id FROM report")
    assert first == [{"report": report, "bytes": None, "outcome": "duplicate"}]


async def test_a_report_that_turns_out_to_repeat_another_gives_way_and_its_duplicates_follow(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml()), extracted(2, changed("r-1", "r-2")), extracted(3, changed("r-1", "r-2"))])
    same_bytes = gzip.compress(report_xml().encode())
    await execute(postgres, "UPDATE document SET bytes = $1 WHERE bytes IS NOT NULL", same_bytes)

    assert await reparsed(reparser, postgres) == {"same": 1, "duplicate": 1}

    assert await values(postgres, "SELECT report_id FROM report") == ["r-1"]
    [report] = await values(postgres, "SELECT id FROM report")
    assert await values(postgres, "SELECT report FROM document") == [report] * 3
    assert await values(postgres, "SELECT count(*) FROM record") == [1]


async def test_where_the_first_of_some_variants_is_another_report_now_the_next_one_is_no_variant(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])
    await parser([extracted(2, changed("<count>3", "<count>4"))])
    assert await values(postgres, "SELECT variant FROM report ORDER BY id") == [False, True]
    elsewhere = gzip.compress(changed("r-1", "r-9").encode())
    await execute(postgres, "UPDATE document SET bytes = $1 WHERE id = (SELECT min(id) FROM document)", elsewhere)

    assert await reparsed(reparser, postgres) == {"changed": 1, "same": 1}

    found = await rows(postgres, "SELECT report_id, variant FROM report ORDER BY id")
    assert found == [{"report_id": "r-9", "variant": False}, {"report_id": "r-1", "variant": False}]


async def test_a_report_whose_document_would_be_refused_now_stays(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])
    await execute(postgres, "UPDATE document SET bytes = $1", gzip.compress(report_xml()[:-300].encode()))
    before = await everything(postgres)

    assert await reparsed(reparser, postgres) == {"kept": 1}

    after = await everything(postgres)
    assert {name: after[name] for name in ("mail", "report", "record")} == {
        name: before[name] for name in ("mail", "report", "record")
    }


async def test_a_refusal_for_another_reason_is_noted(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml()[:-300])])
    await execute(postgres, "UPDATE document SET reason = 'bug', detail = ''")
    await execute(postgres, "UPDATE mail SET reason = 'bug'")

    assert await reparsed(reparser, postgres) == {"changed": 1}

    assert (
        await values(postgres, "SELECT reason FROM document UNION ALL SELECT reason FROM mail") == ["records_lost"] * 2
    )
    [salvaged] = await values(postgres, "SELECT lines -> 0 -> 'salvaged' FROM mail")
    assert salvaged["report_id"] == "r-1"
    assert await reparsed(reparser, postgres) == {"same": 1}


async def test_one_of_two_documents_of_a_mail_is_put_right(
    parser: ParserHandler, reparser: Reparser, postgres: Database
) -> None:
    await parser([extracted(1, report_xml(), report_xml()[:-300])])
    repaired = gzip.compress(changed("r-1", "repaired").encode())
    await execute(postgres, "UPDATE document SET bytes = $1 WHERE outcome = 'refused'", repaired)

    assert await reparsed(reparser, postgres) == {"same": 1, "new": 1}

    assert await rows(postgres, "SELECT outcome, reason FROM mail") == [{"outcome": "imported", "reason": None}]
    [outcomes] = await values(postgres, "SELECT jsonb_path_query_array(lines, '$[*].outcome') FROM mail")
    assert outcomes == ["stored", "stored"]


@pytest.mark.parametrize(
    ("document", "old"),
    [
        (json.dumps(tls_tree()), "UPDATE tls_policy SET successful_sessions = 1"),
        (json.dumps(tls_tree()), "DELETE FROM tls_failure"),
        (arf(), "UPDATE failure_report SET source_ip = NULL"),
    ],
    ids=["tls policy", "tls failure", "failure"],
)
async def test_other_kinds_are_put_right_too(
    parser: ParserHandler, reparser: Reparser, postgres: Database, document: str, old: str
) -> None:
    await parser([extracted(1, document)])
    before = await everything(postgres)
    assert await reparsed(reparser, postgres) == {"same": 1}
    await execute(postgres, old)

    assert await reparsed(reparser, postgres) == {"changed": 1}

    after = await everything(postgres)
    assert {name: after[name] for name in TABLES[:-1]} == {name: before[name] for name in TABLES[:-1]}
