"""The rows of aggregate reports, by COPY: the fastest way in, in pieces that keep memory flat."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from parser.line import dkim_as_json, reasons_as_json, spf_as_json
from parser.reading import Reading
from parser.tables import moment
from pipeline.adapters.pgjson import Json, encoded
from pipeline.adapters.postgres import Connection
from pipeline.report import DkimResult, Record, SpfResult

PIECE_ROWS = 10_000  # rows in one COPY, far below the server's statement timeout
FEW = 2  # results of a record, of which at most so many texts are remembered:
REMEMBERED = 512
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
Results = tuple[DkimResult, ...] | tuple[SpfResult, ...]


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
        results = _json_of(record.dkim_results, dkim_as_json), _json_of(record.spf_results, spf_as_json)
        yield _row(record, results, report=number, begin=begin, position=position)


def record_row(record: Record, *, report: int, begin: datetime, position: int) -> RecordRow:
    """`record`, in the order of `COLUMNS`, as it is when it is read again."""
    results = dkim_as_json(record.dkim_results) or None, spf_as_json(record.spf_results) or None
    return _row(record, results, report=report, begin=begin, position=position)


def _row(record: Record, results: tuple[Any, Any], *, report: int, begin: datetime, position: int) -> RecordRow:
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
        *results,
        record.raw or None,
    )


def _json_of(results: Results, as_json: Callable[[Any], Any]) -> Any:
    return _remembered(results, as_json) if len(results) <= FEW else as_json(results)


@lru_cache(maxsize=REMEMBERED)
def _remembered(results: Results, as_json: Callable[[Any], Any]) -> Json | None:
    """The same results come again and again, within a report and in the next one."""
    return Json(encoded(as_json(results))) if results else None
