"""The rows of aggregate reports, by COPY in pieces that keep memory flat, into monthly partitions made when a month
first needs one."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import asyncpg
import structlog

from parser.kinds.reading import Reading
from parser.kinds.rows import dkim_as_json, reasons_as_json, spf_as_json
from parser.storage.tables import moment
from pipeline.contracts.report import DkimResult, Record, SpfResult
from pipeline.postgres.connection import Connection, Database
from pipeline.postgres.statements import Statements
from pipeline.postgres.types import Json, encoded

SQL = Statements.of("parser.storage")

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


log = structlog.get_logger(__name__)

LOCK = 0x646D6170  # "dmap": whoever holds this advisory lock makes partitions
FIRST = (2012, 1)  # the year of DMARC's first draft
MONTHS_AHEAD = 2

Month = tuple[int, int]  # year, month


class Partitions:
    """Knows which months have a partition, so that the database is asked only for new ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[Month] = set()

    async def ensure(self, begins: Iterable[datetime]) -> None:
        """Partitions exist for the months of these instants, but for impossible months, which need none."""
        now = datetime.now(UTC)
        wanted = {(begin.year, begin.month) for begin in begins} - self._known
        for month in sorted(wanted):
            if is_plausible(month, now=(now.year, now.month)):
                await self._make(month)
                self._known.add(month)

    async def _make(self, month: Month) -> None:
        async with self._database.transaction() as connection:
            await connection.execute("SET LOCAL lock_timeout = '10s'")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            existing = {row["name"] for row in await connection.fetch(SQL["partitions"])}
            if partition_name(month) not in existing:
                await _create(connection, month)


async def _create(connection: Connection, month: Month) -> None:
    """The default partition may hold rows of the month, from when it lay in the future: then it keeps the month."""
    try:
        async with connection.transaction():
            await connection.execute(SQL["make_partition"], *month)
    except asyncpg.CheckViolationError:
        log.warning("partition_left_out", name=partition_name(month), detail="the default partition has the month")


def is_plausible(month: Month, *, now: Month) -> bool:
    """Whether reports can be about this month: not before DMARC, not later than a wrong clock explains."""
    return FIRST <= month <= later(now, by=MONTHS_AHEAD)


def later(month: Month, *, by: int) -> Month:
    """The month so many months later."""
    year, index = divmod(month[0] * 12 + month[1] - 1 + by, 12)
    return year, index + 1


def partition_name(month: Month) -> str:
    """The name of the month's partition."""
    return f"record_{month[0]:04}_{month[1]:02}"
