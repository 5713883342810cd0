"""The one way in: a document's sections and the texts of its records, as the plain path gives them, only faster.

Runs are records that follow one another and look as records did before; they are taken out of the text before it is
parsed. In place of each run the parser is given an empty record with a mark (two, where there are several). So it is
still the parser that says whether the document is well-formed and where the run stands. One that does not come back as
a section of the report, or is no known shape under this root, makes the document be read again without runs
(`Unforeseen`).
"""

import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from parser.kinds.aggregate.elements import Elements
from parser.kinds.aggregate.fastpath.patterns import END, START, Found
from parser.kinds.aggregate.fastpath.shapes import KnownShapes, ShapedTextsReader
from parser.kinds.aggregate.texts import PlainRecords, RecordTexts, RecordTextsReader

MAX_WAITING_BYTES: Final = 2 * 1024 * 1024  # of runs whose place the parser has not come to
MAX_HELD_BYTES: Final = 64 * 1024  # of a record whose end has not come

_MARK: Final = "run-" + secrets.token_hex(8)  # no document can know it
_MORE: Final = "more"


class Unforeseen(Exception):
    """A run stands where its records may mean something else."""


@dataclass(frozen=True, slots=True)
class _Run:
    number: str
    records: list[Found]
    size: int


class Runs:
    """Takes runs out of a document's pieces, and gives the records back when the parser comes to their place."""

    def __init__(self, known: KnownShapes) -> None:
        self._known = known
        self._patterns = known.patterns
        self._waiting: deque[_Run] = deque()
        self._waiting_bytes = 0
        self._count = 0

    def taken_out(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces without runs. Only ASCII is looked at: it means the same in every encoding that is streamed.

        Raises Unforeseen where too much waits for its place.
        """
        held = ""
        for piece, is_last in _with_last(pieces):
            if not piece.isascii():
                yield held.encode() + piece
                held = ""
                continue
            text, held = self._without_runs(held + piece.decode("ascii"), is_last=is_last)
            if text:
                yield text.encode()

    def at(self, section: etree._Element, *, root: etree._Element | None) -> list[RecordTexts] | None:
        """The records of the run that the parser was given this section for; None for any other section.

        Raises Unforeseen.
        """
        number = section.get(_MARK)
        if number is None or root is None:
            return None
        if number == _MORE:
            return []
        if not self._waiting or self._waiting[0].number != number:
            raise Unforeseen
        run = self._waiting.popleft()
        self._waiting_bytes -= run.size
        return self._read(run, root=root, record=section)

    def check_all_came(self) -> None:
        """Raises Unforeseen where a run was passed over: it may stand in a comment, but in a text as well."""
        if self._waiting:
            raise Unforeseen

    def _read(self, run: _Run, *, root: etree._Element, record: etree._Element) -> list[RecordTexts]:
        plans = {}
        for pattern in {found.pattern for found in run.records}:
            plan = self._known.plan(pattern, root=root.tag, record=record.tag)
            if plan is None:
                raise Unforeseen
            plans[pattern] = plan
        return [plans[found.pattern].read(found.texts) for found in run.records]

    def _without_runs(self, text: str, *, is_last: bool) -> tuple[str, str]:
        """The text without its runs, and the beginning of a record at its end, which is held back."""
        parts: list[str] = []
        position, start = 0, text.find(START)
        while start >= 0:
            run = self._run(text, start)
            if run:
                end = run[-1].end
                parts += text[position:start], self._mark(run, text, start, end)
                position, start = end, text.find(START, end)
                continue
            end = text.find(END, start)
            if end < 0:
                is_held = not is_last and len(text) - start <= MAX_HELD_BYTES
                left = start if is_held else len(text)
                return "".join((*parts, text[position:left])), text[left:]
            start = text.find(START, end)
        return "".join((*parts, text[position:])), ""

    def _run(self, text: str, start: int) -> list[Found]:
        run: list[Found] = []
        found = self._patterns.at(text, start)
        while found is not None:
            run.append(found)
            found = self._patterns.at(text, found.end)
        return run

    def _mark(self, run: list[Found], text: str, start: int, end: int) -> str:
        """The record in place of a run; with its line ends, so that the parser tells true line numbers."""
        self._waiting_bytes += end - start
        if self._waiting_bytes > MAX_WAITING_BYTES:
            raise Unforeseen
        self._count += 1
        number = str(self._count)
        self._waiting.append(_Run(number, run, end - start))
        lines = "\n" * text.count("\n", start, end)
        more = f'<record {_MARK}="{_MORE}"/>' if len(run) > 1 else ""  # where none belongs, several are to be noted
        return f'<record {_MARK}="{number}"{lines}/>{more}'


def _with_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each piece, and whether it is the last one."""
    before: bytes | None = None
    for piece in pieces:
        if before is not None:
            yield before, False
        before = piece
    if before is not None:
        yield before, True


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
