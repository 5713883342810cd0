"""Whether a report is stored as it would be stored now: value by value, with flat memory."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any
from uuid import UUID

import asyncpg

from parser.kinds.kind import Row
from parser.kinds.registry import kind_of
from parser.storage.records import COLUMNS, record_row
from parser.storage.reports import Candidate
from parser.storage.tables import moment, report_row
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

REPARSE = Statements.of("parser.reparse")

_NO_CONTENT = frozenset({"parser_version"})
_STORED_RECORDS = f"SELECT {', '.join(COLUMNS)} FROM record WHERE report = $1 AND begin = $2 ORDER BY position"  # noqa: S608


async def is_stored(connection: Connection, candidate: Candidate) -> bool:
    """Whether report, rows and details are there, and all of them equal. Runs in a transaction."""
    report = candidate.reading.report
    row = report_row(candidate.number, candidate.event, report, identity=candidate.identity, totals=candidate.totals)
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
