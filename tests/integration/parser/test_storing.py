"""A mail's documents become rows, in one transaction, with exactly one outcome."""

import json
from datetime import UTC, datetime

from parser.documents import GROUP_BYTES
from parser.handler import ParserHandler
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope
from pipeline.errors import Rejected
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted, mail_ref, refused_line, text_line
from tests.support.failures import arf
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import BEGIN, END, RECORD, changed, report_xml, tls_tree


async def test_a_report_is_stored_with_its_header_rows_and_document(parser: ParserHandler, postgres: Database) -> None:
    assert await parser([extracted(1, report_xml(records=RECORD * 3))]) == [[]]

    [report] = await rows(postgres, "SELECT * FROM report")
    assert (report["kind"], report["org_name"], report["report_id"]) == ("aggregate", "Example Receiver", "r-1")
    assert report["begin"] == datetime.fromtimestamp(BEGIN, UTC)
    assert report["end"] == datetime.fromtimestamp(END, UTC)
    assert (report["p"], report["pct"], report["email"]) == ("reject", 100, "dmarc@receiver.example")
    assert (report["record_count"], report["message_count"], report["passed"]) == (3, 9, 9)
    assert report["mail_id"].hex == mail_ref(1).mail_id
    records = await rows(postgres, "SELECT * FROM record ORDER BY position")
    assert [record["position"] for record in records] == [0, 1, 2]
    assert {record["report"] for record in records} == {report["id"]}
    assert records[0]["source_ip"] == "192.0.2.1"
    assert records[0]["dkim_results"] == [
        {"domain": "example.com", "selector": "s1", "result": "pass", "human_result": None}
    ]
    assert records[0]["reasons"] is None
    [document] = await rows(postgres, "SELECT * FROM document")
    assert (document["id"], document["report"], document["outcome"]) == (report["id"], report["id"], "stored")
    assert document["bytes"]


async def test_the_rows_lie_in_the_partition_of_their_month(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml())])

    assert await values(postgres, "SELECT tableoid::regclass::text FROM record") == ["record_2023_11"]


async def test_periods_before_dmarc_and_far_ahead_are_kept_too(parser: ParserHandler, postgres: Database) -> None:
    past = changed(str(BEGIN), "1262400000").replace(str(END), "1262486400")
    future = changed(str(BEGIN), "4000000000").replace(str(END), "4000086399")

    assert await parser([extracted(1, past), extracted(2, future)]) == [[], []]
    assert await values(postgres, "SELECT tableoid::regclass::text FROM record") == ["record_default"] * 2


async def test_a_tls_report_is_stored_with_its_policies_and_failures(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, json.dumps(tls_tree()).encode())])

    [report] = await rows(postgres, "SELECT * FROM report")
    assert (report["kind"], report["message_count"], report["passed"]) == ("tls", 9, 7)
    [policy] = await rows(postgres, "SELECT * FROM tls_policy")
    assert (policy["report"], policy["policy_domain"], policy["failed_sessions"]) == (report["id"], "example.com", 2)
    [failure] = await rows(postgres, "SELECT * FROM tls_failure")
    assert (failure["result_type"], failure["failed_session_count"]) == ("certificate-expired", 2)


async def test_a_failure_report_is_stored_with_what_only_it_has(parser: ParserHandler, postgres: Database) -> None:
    assert await parser([extracted(1, arf())]) == [[]]

    [report] = await rows(postgres, "SELECT * FROM report")
    assert (report["kind"], report["domain"], report["message_count"]) == ("failure", "example.com", 3)
    [failure] = await rows(postgres, "SELECT * FROM failure_report")
    assert (failure["report"], failure["feedback_type"], failure["incidents"]) == (report["id"], "auth-failure", 3)


async def test_a_mail_with_a_good_and_a_refused_part_is_imported_and_says_why_of_the_other(
    parser: ParserHandler, postgres: Database
) -> None:
    assert await parser([extracted(1, report_xml(), lines=[text_line(), refused_line()])]) == [[]]

    [mail] = await rows(postgres, "SELECT * FROM mail")
    assert (mail["outcome"], mail["reason"]) == ("imported", "encrypted")
    outcomes = {line["path"]: line["outcome"] for line in mail["lines"]}
    assert outcomes == {"8": "ignored", "9": "refused", "1/report": "stored"}


async def test_a_failed_mail_is_rejected_after_its_outcome_is_committed(
    parser: ParserHandler, postgres: Database
) -> None:
    [result] = await parser([extracted(1, "<feedback><broken")])

    assert isinstance(result, Rejected)
    [mail] = await rows(postgres, "SELECT * FROM mail")
    assert (mail["outcome"], mail["reason"], mail["action"]) == ("failed", result.reason.value, "mark_read")
    assert await values(postgres, "SELECT bytes IS NOT NULL FROM document") == [True]


async def test_a_mail_that_stayed_on_its_server_fails_with_the_reason(
    parser: ParserHandler, postgres: Database
) -> None:
    [result] = await parser([extracted(1, lines=[refused_line(Reason.MAIL_TOO_LARGE)])])

    assert isinstance(result, Rejected)
    assert result.reason is Reason.MAIL_TOO_LARGE


async def test_a_mail_without_a_report_is_left_alone(parser: ParserHandler, postgres: Database) -> None:
    assert await parser([extracted(1, lines=[text_line()])]) == [[]]

    [mail] = await rows(postgres, "SELECT * FROM mail")
    assert (mail["outcome"], mail["action"], mail["action_state"]) == ("not_a_report", "none", "none")
    assert await values(postgres, "SELECT count(*) FROM outbox") == [0]


async def test_one_bad_mail_takes_no_other_with_it(parser: ParserHandler, postgres: Database) -> None:
    bad = "<feedback><broken"
    good = [changed("r-1", f"r-{uid}") for uid in (1, 3)]

    results = await parser([extracted(1, good[0]), extracted(2, bad), extracted(3, good[1])])

    assert [isinstance(result, Rejected) for result in results] == [False, True, False]
    assert await values(postgres, "SELECT outcome FROM mail ORDER BY uid") == ["imported", "failed", "imported"]


async def test_characters_that_postgresql_cannot_hold_become_replacement_characters(
    parser: ParserHandler, postgres: Database
) -> None:
    await parser([extracted(1, report_xml(), subject_line="a\x00b")])

    assert await values(postgres, "SELECT subject FROM mail") == ["a\ufffdb"]


async def test_a_date_with_an_offset_that_postgresql_does_not_know_is_stored_in_utc(
    parser: ParserHandler, postgres: Database
) -> None:
    await parser([extracted(1, report_xml(), date="2026-11-02T08:00:00+23:00")])

    assert await values(postgres, "SELECT date FROM mail") == [datetime(2026, 11, 1, 9, 0, tzinfo=UTC)]


async def test_a_report_of_many_rows_is_stored_whole(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml(records=RECORD * 20_001))])

    assert await values(postgres, "SELECT count(*) FROM record") == [20_001]
    assert await values(postgres, "SELECT max(position) FROM record") == [20_000]


async def test_a_huge_report_comes_last_and_every_mail_has_its_own_result(
    parser: ParserHandler, postgres: Database
) -> None:
    huge = extracted(1, report_xml())
    assert isinstance(huge.event, MailExtracted)
    [info] = huge.event.documents
    documents = (info.model_copy(update={"size": GROUP_BYTES + 1}),)
    huge = Envelope(huge.event.model_copy(update={"documents": documents}), huge.cargo)

    stored, refused, other = await parser([huge, extracted(2, "<feedback>"), extracted(3, changed("r-1", "r-3"))])

    assert (stored, isinstance(refused, Rejected), other) == ([], True, [])
    uids = "SELECT uid FROM document JOIN mail USING (mail_id) ORDER BY document.id"
    assert await values(postgres, uids) == [2, 3, 1]
