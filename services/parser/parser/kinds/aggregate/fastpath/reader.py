"""The one way in: a document's sections and the texts of its records, as the plain path gives them, only faster."""

from collections.abc import Iterable, Iterator

from lxml import etree

from parser.kinds.aggregate.elements import Elements
from parser.kinds.aggregate.fastpath.runs import Runs, Unforeseen
from parser.kinds.aggregate.fastpath.shapes import KnownShapes, ShapedTextsReader
from parser.kinds.aggregate.texts import PlainRecords, RecordTexts, RecordTextsReader

__all__ = ["KnownShapes", "Unforeseen", "fast_records"]


def fast_records(
    pieces: Iterable[bytes],
    *,
    root_name: str,
    elements: Elements,
    reader: RecordTextsReader,
    known: KnownShapes,
    is_again: bool = False,
) -> "FastRecords":
    """As `PlainRecords` of the same pieces. `known` is what was learnt from other reports, and learns from this one.

    Going through it raises Unforeseen where the text alone does not tell: then the same is asked for `is_again`, and
    no record is read from the text.
    """
    return FastRecords(
        pieces, root_name, ShapedTextsReader(elements, reader, known=known), None if is_again else Runs(known)
    )


class FastRecords(PlainRecords):
    """The sections, and the texts of those that are records or stand for many that follow one another."""

    def __init__(self, pieces: Iterable[bytes], root_name: str, reader: ShapedTextsReader, runs: Runs | None) -> None:
        rest = pieces if runs is None else runs.taken_out(pieces)
        super().__init__(rest, root_name=root_name, reader=reader)
        self._runs = runs

    def __iter__(self) -> Iterator[etree._Element]:
        """The sections. Raises Damaged, Rejected and Unforeseen."""
        yield from super().__iter__()
        if self._runs is not None:
            self._runs.check_all_came()

    def texts(self, record: etree._Element) -> Iterable[RecordTexts]:
        """The texts of the record, or of all those that it stands for. Raises Rejected and Unforeseen."""
        run = None if self._runs is None else self._runs.at(record, root=self.root)
        return super().texts(record) if run is None else run
