"""An aggregate report, from its compressed bytes to a header and rows, in one pass."""

from collections.abc import Iterable
from itertools import chain

from parser.kinds.aggregate.builder import ReportBuilder
from parser.kinds.aggregate.encoding import Prologue, read_prologue
from parser.kinds.aggregate.fastpath.reader import KnownShapes, Unforeseen, fast_records
from parser.kinds.aggregate.sections import Damaged
from parser.kinds.aggregate.texts import PlainRecords, RecordTextsReader
from parser.kinds.aggregate.wellformed import MAX_REPAIRED_BYTES, repair
from parser.kinds.reading import Reading, Terms
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected
from pipeline.mailformat.inflate import inflate, inflate_whole


class AggregateReader:
    """Reads reports one after another, in any thread; keeps what the fast path learnt of their shapes, bounded.

    `is_fast`: by the fast path, which gives the same and is there for huge reports.
    """

    def __init__(self, *, is_fast: bool = True) -> None:
        self._known = KnownShapes() if is_fast else None

    def read(self, document: bytes, terms: Terms) -> Reading:
        """The report in `document` (gzip). The caller closes the reading.

        What is not well-formed is repaired in memory where it is small enough, and read again. Raises Rejected.
        """
        pieces = inflate(document, limits=terms.limits)
        first = next(pieces, b"")
        prologue = read_prologue(first)
        if not (prologue.is_feedback and prologue.is_streamable):
            return self._read_repaired(document, terms, damage="")
        try:
            return self._read_streamed(document, chain((first,), pieces), prologue, terms)
        except Damaged as damage:
            return self._read_repaired(document, terms, damage=str(damage))

    def _read_streamed(self, document: bytes, pieces: Iterable[bytes], prologue: Prologue, terms: Terms) -> Reading:
        """The report in `pieces`, which are those of the document. Raises Damaged and Rejected."""
        try:
            return self._read(ReportBuilder(terms), pieces, prologue)
        except Unforeseen:
            return self._read(ReportBuilder(terms), inflate(document, limits=terms.limits), prologue, is_again=True)

    def _read_repaired(self, document: bytes, terms: Terms, *, damage: str) -> Reading:
        try:
            whole = inflate_whole(document, limits=terms.limits, max_bytes=MAX_REPAIRED_BYTES)
        except Rejected as error:
            raise Rejected(Reason.NOT_WELL_FORMED, f"{damage}; too large to repair") from error
        repaired = repair(whole)
        builder = ReportBuilder(terms)
        builder.notes.repairs.update(repaired.repairs)
        try:
            return self._read(builder, (repaired.text,), read_prologue(repaired.text), is_again=True)
        except Damaged as again:
            raise Rejected(Reason.NOT_WELL_FORMED, damage or str(again)) from again

    def _read(
        self, builder: ReportBuilder, pieces: Iterable[bytes], prologue: Prologue, *, is_again: bool = False
    ) -> Reading:
        """The report in these pieces. Raises Damaged, Rejected, and unless `is_again` Unforeseen."""
        try:
            builder.run(self._records(builder, pieces, prologue, is_again=is_again))
            return builder.reading()
        except BaseException:
            builder.rows.close()
            raise

    def _records(
        self, builder: ReportBuilder, pieces: Iterable[bytes], prologue: Prologue, *, is_again: bool
    ) -> PlainRecords:
        root_name, reader = prologue.root or "feedback", RecordTextsReader(builder.elements, builder.notes)
        if self._known is None:
            return PlainRecords(pieces, root_name=root_name, reader=reader)
        return fast_records(
            pieces,
            root_name=root_name,
            elements=builder.elements,
            reader=reader,
            known=self._known,
            is_again=is_again,
        )
