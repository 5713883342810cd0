"""Whether a report is stored as it would be stored now: value by value, with flat memory."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any
from uuid import UUID

import asyncpg

from parser.reparse.sql import REPARSE
from parser.storage.records import COLUMNS, record_row
from parser.storage.reports import Candidate
from parser.storage.tables import Row, failure_report_row, moment, report_row, tls_failure_rows, tls_policy_rows
from pipeline.contracts.report import AggregateReport, FailureReport, TlsReport
from pipeline.postgres.connection import Connection

_NO_CONTENT = frozenset({"parser_version"})
_STORED_RECORDS = f"SELECT {', '.join(COLUMNS)} FROM record WHERE report = $1 AND begin = $2 ORDER BY position"  # noqa: S608


async def is_stored(connection: Connection, candidate: Candidate) -> bool:
    """Whether report, rows and details are there, and all of them equal. Runs in a transaction."""
    report = candidate.reading.report
    row = report_row(candidate.number, candidate.event, report, identity=candidate.identity, totals=candidate.totals)
    stored = await connection.fetchrow(REPARSE["stored_report"], candidate.number)
    if stored is None or not _agree(stored, row):
        return False
    if isinstance(report, AggregateReport):
        return await _has_records(connection, candidate)
    if isinstance(report, TlsReport):
        return await _has_policies(connection, candidate.number, report)
    return await _has_failure(connection, candidate.number, report)


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


async def _has_policies(connection: Connection, number: int, report: TlsReport) -> bool:
    policies = await connection.fetch(REPARSE["stored_tls_policies"], number)
    failures = await connection.fetch(REPARSE["stored_tls_failures"], number)
    return _all_agree(policies, tls_policy_rows(number, report)) and _all_agree(
        failures, tls_failure_rows(number, report)
    )


async def _has_failure(connection: Connection, number: int, report: FailureReport) -> bool:
    stored = await connection.fetchrow(REPARSE["stored_failure_report"], number)
    return stored is not None and _agree(stored, failure_report_row(number, report))


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
