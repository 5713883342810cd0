"""The reports of a batch: stored once each, a repeat recognised, a correction flagged as a variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parser.kinds.kind import Row, Totals
from parser.kinds.reading import PARSER_VERSION, Reading
from parser.kinds.registry import KINDS, kind_of
from parser.kinds.values import bigint, part
from parser.outcome import PartResult
from parser.storage.records import copy_records
from parser.storage.tables import moment
from pipeline.contracts.mail import LineOutcome
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.repairs import Repair
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

SQL = Statements.of("parser.storage")

_POLICY = ("p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method")
_SENDER = ("email", "extra_contact_info", "generator", "version", "namespace")
_UNFILLED: Row = dict.fromkeys((*_SENDER, *_POLICY)) | {"errors": (), "extensions": ()}  # where a kind fills none


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

    @property
    def is_rebuilt(self) -> bool:
        """Whether it was put together again from what another tool kept of it: less than the report itself."""
        return Repair.REBUILT in self.reading.report.repairs


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report that is new in the database."""

    candidate: Candidate
    variant: bool


@dataclass(frozen=True, slots=True)
class StoredReports:
    """What became of the candidates: the new ones, and everybody's result by number; `records` rows were written."""

    new: tuple[StoredReport, ...]
    results: dict[int, PartResult]
    records: int


async def store_reports(connection: Connection, candidates: Sequence[Candidate], *, at: datetime) -> StoredReports:
    """Writes the reports that are new with all that belongs to them. Runs in the caller's transaction."""
    counterparts = await find_counterparts(connection, candidates)
    known = [c for c in candidates if c.number in counterparts and c.is_rebuilt]
    in_order = sorted(candidates, key=lambda c: (*c.key, c.number))  # as everybody does it: nobody waits in a circle
    in_order = [c for c in in_order if c not in known]
    firsts = await _insert(connection, [c for c in in_order if c.number not in counterparts], at=at, variant=False)
    others = [c for c in in_order if c.number not in firsts]
    variants = await _insert(connection, others, at=at, variant=True)
    new = [StoredReport(c, c.number in variants) for c in candidates if c.number in firsts or c.number in variants]
    records = await _write_contents(connection, [stored.candidate for stored in new])
    repeats = [c for c in others if c.number not in variants]
    results = {s.candidate.number: _result(s.candidate, LineOutcome.STORED, s.candidate.number) for s in new}
    results |= await _repeated(connection, repeats)
    results |= {c.number: _result(c, LineOutcome.DUPLICATE, counterparts[c.number]) for c in known}
    return StoredReports(tuple(new), results, records)


async def find_counterparts(connection: Connection, candidates: Sequence[Candidate]) -> dict[int, int]:
    """By number the stored report that a rebuilt one stands for, or the rebuilt one that stands for a report itself.

    Other tools cut the report_id at its "@", so their identities differ.
    """
    found: dict[int, int] = {}
    for statement, is_rebuilt in (("find_rebuilt", False), ("find_what_was_rebuilt", True)):
        own = [c for c in candidates if c.is_rebuilt is is_rebuilt]
        if not own:
            continue
        reports = [c.reading.report for c in own]
        rows = await connection.fetch(
            SQL[statement],
            [c.number for c in own],
            [report.kind.value for report in reports],
            [report.org_name for report in reports],
            [report.report_id for report in reports],
            [report.domain for report in reports],
            [moment(report.begin) for report in reports],
            [moment(report.end) for report in reports],
        )
        found |= {row["number"]: row["id"] for row in rows}
    return found


async def _insert(
    connection: Connection, candidates: Sequence[Candidate], *, at: datetime, variant: bool
) -> frozenset[int]:
    if not candidates:
        return frozenset()
    rows = [report_row(candidate) for candidate in candidates]
    added = await connection.fetch(SQL["insert_reports"], rows, variant, at)
    return frozenset(row["id"] for row in added)


async def _repeated(connection: Connection, repeats: Sequence[Candidate]) -> dict[int, PartResult]:
    if not repeats:
        return {}
    keys = [c.key for c in repeats]
    found = await connection.fetch(SQL["find_originals"], [key[0] for key in keys], [key[1] for key in keys])
    originals = {(row["identity"], row["fingerprint"]): row["id"] for row in found}
    return {c.number: _result(c, LineOutcome.DUPLICATE, originals.get(c.key)) for c in repeats}


async def _write_contents(connection: Connection, candidates: Sequence[Candidate]) -> int:
    """The rows and details of the reports; says how many rows there were."""
    for kind in KINDS:
        own = [c for c in candidates if c.reading.report.kind is kind.kind]
        details: dict[str, list[Row]] = {}
        for candidate in own:
            for table, rows in kind.details_of(candidate.number, candidate.reading.report).items():
                details.setdefault(table, []).extend(rows)
        for table, rows in details.items():
            if rows:
                await connection.execute(kind.statement(f"insert_{table}"), rows)
    return await copy_records(connection, [(c.number, c.reading) for c in candidates if len(c.reading.rows)])


def _result(candidate: Candidate, outcome: LineOutcome, report: int | None) -> PartResult:
    return PartResult(outcome, repairs=candidate.reading.report.repairs, report=report)


def report_row(candidate: Candidate) -> Row:
    """`report`, without `variant` and `stored_at`."""
    event, report, totals = candidate.event, candidate.reading.report, candidate.totals
    return {
        **_UNFILLED,
        **kind_of(report).columns_of(report),
        "id": candidate.number,
        "kind": report.kind,
        "mail_id": event.mail.mail_id,
        "mailbox_id": event.mail.mailbox_id,
        "org_name": report.org_name,
        "report_id": report.report_id,
        "domain": report.domain,
        "begin": moment(report.begin),
        "end": moment(report.end),
        "identity": f"\\x{candidate.identity.hex()}",
        "fingerprint": f"\\x{report.fingerprint}",
        "record_count": report.records,
        "message_count": bigint(report.messages),
        "passed": part(totals.passed, report.messages),
        "quarantined": bigint(totals.quarantined),
        "rejected": bigint(totals.rejected),
        "repairs": report.repairs,
        "raw": report.raw,
        "parser_version": PARSER_VERSION,
    }
