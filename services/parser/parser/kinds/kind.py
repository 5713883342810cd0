"""What a kind of report is to the rest of the parser: how it is read, counted, stored and shown. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from parser.kinds.reading import Reading, Terms
from parser.kinds.rows import RowSpool
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import ReportHeader, ReportKind
from pipeline.postgres.statements import Statements

Row = dict[str, Any]  # of a table, by column
Read = Callable[[bytes, Terms], Reading]
R = TypeVar("R", bound=ReportHeader)


@dataclass(frozen=True, slots=True)
class Totals:
    """Messages that passed (DKIM or SPF aligned; sessions that succeeded), were quarantined, were rejected."""

    passed: int = 0
    quarantined: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[R]):
    """A kind of report; its package beside this module holds all that is particular to it.

    `package` is its name. `format` is that of its documents. `reader` makes a reader of them (one gzip member each),
    for any number of documents and in any thread; it raises Rejected, with the reason, for whatever is no report or
    cannot be trusted, and nothing else. `has_rows`: its reports have rows, which are stored as records.

    `totals` says what became of the messages of a reading. `columns` are those of the table `report` that only this
    kind fills. `details` makes the rows of the kind's own tables, by table, for the report with a number; `insert_` and
    `stored_` with the table's name are statements in the package's `statements.sql`.

    `shown` finds the facts that a refused document shows all the same, `record_end` the end of each of its records.
    """

    package: str
    kind: ReportKind
    format: DocumentFormat
    reader: Callable[[], Read]
    has_rows: bool = False
    totals: Callable[[R, RowSpool], Totals] | None = None
    columns: Callable[[R], Row] | None = None
    details: Mapping[str, Callable[[int, R], list[Row]]] = field(default_factory=dict)
    shown: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    record_end: re.Pattern[bytes] | None = None

    def totals_of(self, reading: Reading) -> Totals:
        """What became of the messages that the report counts; nothing, where the kind counts nothing of it."""
        return Totals() if self.totals is None else self.totals(cast(R, reading.report), reading.rows)

    def columns_of(self, report: ReportHeader) -> Row:
        """The columns of `report` that the kind fills."""
        return {} if self.columns is None else self.columns(cast(R, report))

    def details_of(self, number: int, report: ReportHeader) -> dict[str, list[Row]]:
        """The rows of the kind's own tables, by table."""
        return {table: rows(number, cast(R, report)) for table, rows in self.details.items()}

    def statement(self, name: str) -> str:
        """A statement of the kind's own tables."""
        return Statements.of(self.package)[name]
