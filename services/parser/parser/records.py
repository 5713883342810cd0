"""The rows of aggregate reports, by COPY: the fastest way in, in pieces that keep memory flat."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any

from parser.line import dkim_as_json, reasons_as_json, spf_as_json
from parser.reading import Reading
from parser.tables import moment
from pipeline.adapters.postgres import Connection
from pipeline.report import Record

PIECE_ROWS = 10_000  # rows in one COPY, far below the server's statement timeout
COLUMNS = (
    "report",
    "begin",
    "position",
    "source_ip",
    "count",
    "disposition",
    "dkim",
    "spf",
    "header_from",
    "envelope_from",
    "envelope_to",
    "reasons",
    "dkim_results",
    "spf_results",
    "raw",
)

RecordRow = tuple[Any, ...]


async def copy_records(connection: Connection, readings: Iterable[tuple[int, Reading]]) -> int:
    """Writes the rows of these reports, given with their numbers; says how many there were."""
    rows = chain.from_iterable(_rows(number, reading) for number, reading in readings)
    total = 0
    while piece := list(islice(rows, PIECE_ROWS)):
        await connection.copy_records_to_table("record", records=piece, columns=COLUMNS)
        total += len(piece)
    return total


def _rows(number: int, reading: Reading) -> Iterator[RecordRow]:
    begin = moment(reading.report.begin)
    for position, record in enumerate(reading.rows):
        yield record_row(record, report=number, begin=begin, position=position)


def record_row(record: Record, *, report: int, begin: datetime, position: int) -> RecordRow:
    """`record`, in the order of `COLUMNS`."""
    return (
        report,
        begin,
        position,
        record.source_ip,
        record.count,
        record.disposition,
        record.dkim,
        record.spf,
        record.header_from,
        record.envelope_from,
        record.envelope_to,
        reasons_as_json(record.reasons) or None,
        dkim_as_json(record.dkim_results) or None,
        spf_as_json(record.spf_results) or None,
        record.raw or None,
    )
