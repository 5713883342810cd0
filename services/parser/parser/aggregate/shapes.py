"""The fast way to a record's texts. The records of a report look alike: how its elements nest is worked out once.

A shape is the tags of a record and how many children each element has, in the document's order: the whole tree but for
its texts. Where the texts of a shape stand is found out by the slow way itself, on a copy of the first such record in
which every text is replaced by its position; so both ways cannot differ.

Most reports have few records, and all reports together few shapes: a shape in which the slow way found nothing to note
is remembered from report to report.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from operator import itemgetter
from typing import Final

from lxml import etree

from parser.aggregate.elements import Elements
from parser.aggregate.names import Tag
from parser.aggregate.record_texts import RecordTexts, RecordTextsReader
from parser.notes import Notes

MAX_SHAPES: Final = 200  # a hostile report may have as many as records
MAX_ORDINARY: Final = 500  # of all reports together; the 1,650 real ones that were looked at have 62
MAX_ELEMENTS: Final = 200  # of a shape; a longer record goes the slow way
NOWHERE: Final = -1  # the position of a text that is not there: that of the None behind all texts

# What is read of these depends on their attributes or texts too, so that their shape does not tell.
_UNPLAIN: Final = frozenset({"reason", "human_result"})

Texts = Sequence[str | None]
Shape = tuple[tuple[Tag, ...], tuple[int, ...]]
Pick = Callable[[Texts], tuple[str | None, ...]]


class Plan:
    """Where the texts of a shape stand."""

    def __init__(self, positions: RecordTexts) -> None:
        """`positions` holds numbers for texts."""
        values = (
            positions.source_ip,
            positions.count,
            positions.disposition,
            positions.dkim,
            positions.spf,
            positions.header_from,
            positions.envelope_from,
            positions.envelope_to,
        )
        results = (*positions.dkim_results, *positions.spf_results)
        wanted = {position for group in (values, *results) for position in group if position is not None}
        places = {position: place for place, position in enumerate(sorted(wanted, key=int))}
        self._wanted = [int(position) for position in places]  # few, for most elements hold others
        self._is_evaluated = positions.is_evaluated
        self._is_identified = positions.is_identified
        self._values = _pick(values, places)
        self._dkim = [_pick(result, places) for result in positions.dkim_results]
        self._spf = [_pick(result, places) for result in positions.spf_results]

    def apply(self, elements: Sequence[etree._Element]) -> RecordTexts:
        """The texts of a record of this shape, given its elements in the document's order."""
        texts = [*[elements[position].text for position in self._wanted], None]
        source_ip, count, disposition, dkim, spf, header_from, envelope_from, envelope_to = self._values(texts)
        return RecordTexts(
            source_ip,
            count,
            self._is_evaluated,
            disposition,
            dkim,
            spf,
            (),
            self._is_identified,
            header_from,
            envelope_from,
            envelope_to,
            tuple([pick(texts) for pick in self._dkim]),
            tuple([pick(texts) for pick in self._spf]),
        )


class OrdinaryShapes:
    """Plans that hold in every report with the same root: those of shapes in which there is nothing to note."""

    def __init__(self) -> None:
        self._plans: dict[tuple[Tag, Shape], Plan] = {}

    def find(self, shape: Shape, root: Tag) -> Plan | None:
        """The plan, where it is known."""
        return self._plans.get((root, shape))

    def keep(self, plan: Plan, shape: Shape, root: Tag) -> None:
        """Remember a plan; of too many, none."""
        if len(self._plans) >= MAX_ORDINARY:
            self._plans.clear()
        self._plans[root, shape] = plan


_ORDINARY: Final = OrdinaryShapes()


class ShapedTextsReader:
    """Reads the texts of records, those of a known shape by position."""

    def __init__(self, elements: Elements, reader: RecordTextsReader, *, ordinary: OrdinaryShapes = _ORDINARY) -> None:
        self._elements = elements
        self._slow = reader
        self._ordinary = ordinary
        self._plans: dict[Shape, Plan | None] = {}

    def read(self, record: etree._Element) -> RecordTexts:
        """As `RecordTextsReader.read`."""
        elements = list(record.iter())
        shape = tuple([element.tag for element in elements]), tuple(map(len, elements))
        plan = self._plans.get(shape)
        if plan is None and shape not in self._plans and len(self._plans) < MAX_SHAPES:
            plan = self._plans[shape] = self._ordinary.find(shape, self._root) or self._planned(record, shape)
        if plan is None:
            return self._slow.read(record)
        return plan.apply(elements)

    @property
    def _root(self) -> Tag:
        root = self._elements.root
        return "" if root is None else root.tag

    def _planned(self, record: etree._Element, shape: Shape) -> Plan | None:
        """The plan of a new shape. What the slow way has to note of the shape is noted in the report."""
        tags = shape[0]
        if len(tags) > MAX_ELEMENTS or not _UNPLAIN.isdisjoint(self._elements.names[tag] for tag in tags):
            return None
        numbered = deepcopy(record)
        for position, element in enumerate(numbered.iter()):
            element.text = str(position)
        plan = Plan(self._slow.read(numbered))
        if self._is_ordinary(numbered):
            self._ordinary.keep(plan, shape, self._root)
        return plan

    def _is_ordinary(self, record: etree._Element) -> bool:
        notes = Notes(max_text_bytes=MAX_ELEMENTS)
        elements = Elements(notes)
        elements.root = self._elements.root
        RecordTextsReader(elements, notes).read(record)
        return not (notes.repairs or elements.extensions or elements.names.has_unknown)


def _pick(positions: Texts, places: Mapping[str, int]) -> Pick:
    """Takes the texts at these positions, of which there are several, from their places in a list."""
    return itemgetter(*(NOWHERE if position is None else places[position] for position in positions))
