"""The reports of a batch: stored once each, a repeat recognised, a correction flagged as a variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parser.kinds.reading import Reading
from parser.kinds.totals import Totals
from parser.outcome import Fate
from parser.storage.records import copy_records
from parser.storage.sql import SQL
from parser.storage.tables import Row, failure_report_row, report_row, tls_failure_rows, tls_policy_rows
from pipeline.contracts.events import MailExtracted
from pipeline.contracts.mail import LineOutcome
from pipeline.contracts.report import AggregateReport, FailureReport, TlsReport
from pipeline.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Candidate:
    """A report that was read, before it is known whether it is new. `number` is its document's, and will be its own."""

    number: int
    event: MailExtracted
    identity: bytes
    reading: Reading
    totals: Totals

    @property
    def key(self) -> tuple[bytes, bytes]:
        """What makes the report unique: its identity and its fingerprint."""
        return self.identity, bytes.fromhex(self.reading.report.fingerprint)


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report that is new in the database."""

    candidate: Candidate
    variant: bool


@dataclass(frozen=True, slots=True)
class StoredReports:
    """What became of the candidates: the new ones, and everybody's fate by number; `records` rows were written."""

    new: tuple[StoredReport, ...]
    fates: dict[int, Fate]
    records: int


async def store_reports(connection: Connection, candidates: Sequence[Candidate], *, at: datetime) -> StoredReports:
    """Writes the reports that are new with all that belongs to them. Runs in the caller's transaction."""
    in_order = sorted(candidates, key=lambda c: (*c.key, c.number))  # as everybody does it: nobody waits in a circle
    firsts = await _insert(connection, in_order, at=at, variant=False)
    others = [c for c in in_order if c.number not in firsts]
    variants = await _insert(connection, others, at=at, variant=True)
    new = [StoredReport(c, c.number in variants) for c in candidates if c.number in firsts or c.number in variants]
    records = await _write_contents(connection, [stored.candidate for stored in new])
    repeats = [c for c in others if c.number not in variants]
    fates = {s.candidate.number: _fate(s.candidate, LineOutcome.STORED, s.candidate.number) for s in new}
    fates |= await _repeated(connection, repeats)
    return StoredReports(tuple(new), fates, records)


async def _insert(
    connection: Connection, candidates: Sequence[Candidate], *, at: datetime, variant: bool
) -> frozenset[int]:
    if not candidates:
        return frozenset()
    rows = [report_row(c.number, c.event, c.reading.report, identity=c.identity, totals=c.totals) for c in candidates]
    added = await connection.fetch(SQL["insert_reports"], rows, variant, at)
    return frozenset(row["id"] for row in added)


async def _repeated(connection: Connection, repeats: Sequence[Candidate]) -> dict[int, Fate]:
    if not repeats:
        return {}
    keys = [c.key for c in repeats]
    found = await connection.fetch(SQL["find_originals"], [key[0] for key in keys], [key[1] for key in keys])
    originals = {(row["identity"], row["fingerprint"]): row["id"] for row in found}
    return {c.number: _fate(c, LineOutcome.DUPLICATE, originals.get(c.key)) for c in repeats}


async def _write_contents(connection: Connection, candidates: Sequence[Candidate]) -> int:
    policies: list[Row] = []
    failures: list[Row] = []
    failure_reports: list[Row] = []
    for candidate in candidates:
        report = candidate.reading.report
        if isinstance(report, TlsReport):
            policies += tls_policy_rows(candidate.number, report)
            failures += tls_failure_rows(candidate.number, report)
        elif isinstance(report, FailureReport):
            failure_reports.append(failure_report_row(candidate.number, report))
    for statement, rows in (
        ("insert_tls_policies", policies),
        ("insert_tls_failures", failures),
        ("insert_failure_reports", failure_reports),
    ):
        if rows:
            await connection.execute(SQL[statement], rows)
    aggregates = [(c.number, c.reading) for c in candidates if isinstance(c.reading.report, AggregateReport)]
    return await copy_records(connection, aggregates)


def _fate(candidate: Candidate, outcome: LineOutcome, report: int | None) -> Fate:
    return Fate(outcome, repairs=candidate.reading.report.repairs, report=report)
