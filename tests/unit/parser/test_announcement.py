"""The event about a stored report stays within what the broker takes."""

from datetime import UTC, datetime

from parser.announcement import MAX_ROWS_BYTES, announcement
from parser.kinds.reading import Reading
from parser.kinds.registry import totals_of
from parser.kinds.rows import RowSpool
from parser.storage.reports import Candidate, StoredReport
from pipeline.contracts.events import ReportStored
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.report import AggregateReport, Policy, Record, ReportKind, TlsPolicy, TlsReport
from pipeline.contracts.wire import decode
from tests.support.extracted import extracted


def record(header_from: str) -> Record:
    return Record("192.0.2.1", 1, "none", "pass", "pass", (), header_from, None, None, (), (), None)


def aggregate(rows: list[Record]) -> Reading:
    report = AggregateReport(
        kind=ReportKind.AGGREGATE,
        org_name="reporter.example",
        report_id="1",
        domain="example.com",
        begin=1761955200,
        end=1762041599,
        fingerprint="00",
        records=len(rows),
        messages=len(rows),
        policy=Policy(domain="example.com"),
    )
    spool = RowSpool()
    for row in rows:
        spool.append(row)
    return Reading(report, spool)


def announced(reading: Reading, *, max_rows: int = 10_000) -> ReportStored:
    mail = extracted(1).event
    assert isinstance(mail, MailExtracted)
    stored = StoredReport(Candidate(17, mail, b"identity", reading, totals_of(reading)), variant=False)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    wire = announcement(stored, max_rows=max_rows, public_url="https://dmarq.example/", at=at)
    event = decode(wire.headers, wire.payload).event
    assert isinstance(event, ReportStored)
    return event


def test_the_first_rows_are_announced_with_a_link_to_the_rest() -> None:
    event = announced(aggregate([record("a.example"), record("b.example")]), max_rows=1)

    assert [row["header_from"] for row in event.rows] == ["a.example"]
    assert not event.rows_complete
    assert event.link.startswith("https://dmarq.example/api/v1/reports/")


def test_rows_end_where_the_event_would_become_too_large() -> None:
    event = announced(aggregate([record("x" * 4000)] * 1000))

    assert 0 < len(event.rows) < 1000
    assert len(event.model_dump_json()) < MAX_ROWS_BYTES + 10_000
    assert not event.rows_complete


def test_a_header_that_is_too_large_is_left_out() -> None:
    policies = tuple(TlsPolicy(policy_type="sts", policy_domain="y" * 4000) for _ in range(500))
    report = TlsReport(
        kind=ReportKind.TLS,
        org_name="reporter.example",
        report_id="1",
        domain="example.com",
        begin=1761955200,
        end=1762041599,
        fingerprint="00",
        records=len(policies),
        messages=0,
        policies=policies,
    )
    event = announced(Reading(report))

    assert event.report == {}
