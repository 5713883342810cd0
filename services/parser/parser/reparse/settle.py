"""What reading a document again changes, done in one transaction (or only said, on a dry run): whether a report is
stored as it would be stored now is compared value by value, with flat memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from uuid import UUID

import asyncpg

from parser.documents import Document
from parser.kinds.kind import Row
from parser.kinds.reading import PARSER_VERSION
from parser.kinds.registry import kind_of
from parser.outcome import PartResult, conclude
from parser.reparse.jobs import Kept
from parser.storage.records import COLUMNS, record_row
from parser.storage.reports import Candidate, StoredReport, report_row, store_reports
from parser.storage.tables import moment
from pipeline.contracts.mail import LineOutcome, PartLine
from pipeline.contracts.mailbox import Handling
from pipeline.contracts.questions import Change
from pipeline.errors import Rejected
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

SQL = Statements.of("parser.storage")
REPARSE = Statements.of("parser.reparse")


@dataclass(frozen=True, slots=True)
class Settled:
    """What changed, and the report that is to be announced for it."""

    change: Change
    announced: Sequence[StoredReport] = ()


async def settle(connection: Connection, kept: Kept, document: Document, *, dry_run: bool) -> Settled | None:
    """Brings what is stored in line with `document`; None when the document is gone. Runs in the caller's transaction.

    A report that was stored is never given up: where its document would be refused now, it stays as it is.
    """
    held = await connection.fetchrow(REPARSE["hold_document"], kept.number)
    if held is None:
        return None
    was_refused = kept.outcome is LineOutcome.REFUSED
    if document.refusal is not None:
        if not was_refused:
            return Settled(Change.KEPT)
        return await _refused_again(connection, kept, document.refusal, held["lines"], dry_run=dry_run)
    candidate = _candidate(kept, document)
    if not was_refused and await is_stored(connection, candidate):
        if not dry_run and kept.parser_version != PARSER_VERSION:
            await connection.execute(REPARSE["note_version"], kept.number, PARSER_VERSION)
        return Settled(Change.SAME)
    if dry_run:
        return Settled(await _foreseen(connection, candidate, was_refused=was_refused))
    return await _store(connection, kept, candidate, held["lines"], was_refused=was_refused)


async def _refused_again(
    connection: Connection, kept: Kept, refusal: Rejected, lines: list[Any], *, dry_run: bool
) -> Settled:
    is_same = (kept.reason, kept.detail) == (refusal.reason.value, refusal.detail)
    if not dry_run:
        result = PartResult(LineOutcome.REFUSED, refusal.reason, refusal.detail, salvaged=refusal.salvaged)
        await _note(connection, kept, result, lines)
    return Settled(Change.SAME if is_same else Change.CHANGED)


async def _store(
    connection: Connection, kept: Kept, candidate: Candidate, lines: list[Any], *, was_refused: bool
) -> Settled:
    """In place of what was read before, under the same number."""
    before = await connection.fetchrow(REPARSE["stored_report"], kept.number)
    if before is not None:
        await connection.execute(REPARSE["forget_records"], kept.number, before["begin"])
        await connection.execute(REPARSE["forget_report"], kept.number)
    stored = await store_reports(connection, [candidate], at=kept.stored_at)
    result = stored.results[kept.number]
    if before is not None:
        await connection.execute(REPARSE["promote_variant"], before["identity"])
        if result.report != kept.number:
            await connection.execute(REPARSE["redirect_duplicates"], kept.number, result.report)
    await _note(connection, kept, result, lines)
    if result.outcome is LineOutcome.DUPLICATE:
        return Settled(Change.DUPLICATE)
    return Settled(Change.NEW if was_refused else Change.CHANGED, stored.new)


async def _foreseen(connection: Connection, candidate: Candidate, *, was_refused: bool) -> Change:
    identity, fingerprint = candidate.key
    originals = await connection.fetch(SQL["find_originals"], [identity], [fingerprint])
    if any(row["id"] != candidate.number for row in originals):
        return Change.DUPLICATE
    return Change.NEW if was_refused else Change.CHANGED


async def _note(connection: Connection, kept: Kept, result: PartResult, lines: list[Any]) -> None:
    """The document's row, its line in the mail, and the mail's outcome. What is to be done to the mail stays."""
    repairs = list(dict.fromkeys((*kept.info.repairs, *result.repairs)))
    reason = None if result.reason is None else result.reason.value
    row = (kept.number, result.outcome.value, reason, result.detail, repairs, result.report, PARSER_VERSION)
    await connection.execute(REPARSE["note_document"], *row)
    fresh = [_reopened(PartLine.model_validate(line), kept) for line in lines]
    end = conclude(fresh, {kept.info.path: result}, Handling(settings_version=0))
    written = [line.model_dump(mode="json") for line in end.lines]
    reason = None if end.reason is None else end.reason.value
    mail_id = kept.event.mail.mail_id
    await connection.execute(REPARSE["note_mail"], mail_id, end.outcome.value, reason, end.detail, written)


def _reopened(line: PartLine, kept: Kept) -> PartLine:
    """The line of this document as it was before the document was read."""
    if line.path != kept.info.path:
        return line
    return line.model_copy(update={"outcome": LineOutcome.DOCUMENT, "repairs": kept.info.repairs})


def _candidate(kept: Kept, document: Document) -> Candidate:
    assert document.reading is not None  # noqa: S101 - what is not refused was read
    return Candidate(kept.number, kept.event, document.identity, document.reading, document.totals)


_NO_CONTENT = frozenset({"parser_version"})
_STORED_RECORDS = f"SELECT {', '.join(COLUMNS)} FROM record WHERE report = $1 AND begin = $2 ORDER BY position"  # noqa: S608


async def is_stored(connection: Connection, candidate: Candidate) -> bool:
    """Whether report, rows and details are there, and all of them equal. Runs in a transaction."""
    row = report_row(candidate)
    stored = await connection.fetchrow(REPARSE["stored_report"], candidate.number)
    if stored is None or not _agree(stored, row):
        return False
    return await _has_records(connection, candidate) and await _has_details(connection, candidate)


async def _has_records(connection: Connection, candidate: Candidate) -> bool:
    """Rows are written together with their report: where none of them is left, their month was not kept so long."""
    begin = moment(candidate.reading.report.begin)
    rows = iter(candidate.reading.rows)
    position = 0
    async for stored in connection.cursor(_STORED_RECORDS, candidate.number, begin):
        record = next(rows, None)
        if record is None:
            return False
        expected = record_row(record, report=candidate.number, begin=begin, position=position)
        if tuple(stored) != expected:
            return False
        position += 1
    return position == 0 or next(rows, None) is None


async def _has_details(connection: Connection, candidate: Candidate) -> bool:
    """Whether the kind's own tables have what they would have."""
    report = candidate.reading.report
    kind = kind_of(report)
    for table, rows in kind.details_of(candidate.number, report).items():
        if not _all_agree(await connection.fetch(kind.statement(f"stored_{table}"), candidate.number), rows):
            return False
    return True


def _all_agree(stored: Iterable[asyncpg.Record], rows: Iterable[Row]) -> bool:
    return all(a is not None and b is not None and _agree(a, b) for a, b in zip_longest(stored, rows))


def _agree(stored: asyncpg.Record, row: Row) -> bool:
    return all(_plain(stored[name]) == _plain(value) for name, value in row.items() if name not in _NO_CONTENT)


def _plain(value: Any) -> Any:
    """A value of the database and one of a row, in the same form."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, tuple):
        return list(value)
    return value.hex if isinstance(value, UUID) else value
