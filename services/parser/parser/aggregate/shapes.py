"""The fast way to a record's texts. The records of a report look alike: how its elements nest is worked out once.

A shape is the tags of a record and how many children each element has, in the document's order: the whole tree but for
its texts. Where the texts of a shape stand is found out by the slow way itself, on a copy of the first such record in
which every text is replaced by its position; so both ways cannot differ.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from operator import itemgetter
from typing import Final

from lxml import etree

from parser.aggregate.elements import Elements
from parser.aggregate.names import Tag
from parser.aggregate.record_texts import RecordTexts, RecordTextsReader

MAX_SHAPES: Final = 200  # a hostile report may have as many as records
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
        self._is_evaluated = positions.is_evaluated
        self._is_identified = positions.is_identified
        self._values = _pick(
            positions.source_ip,
            positions.count,
            positions.disposition,
            positions.dkim,
            positions.spf,
            positions.header_from,
            positions.envelope_from,
            positions.envelope_to,
        )
        self._dkim = [_pick(*result) for result in positions.dkim_results]
        self._spf = [_pick(*result) for result in positions.spf_results]

    def apply(self, texts: Texts) -> RecordTexts:
        """The texts in their places; `texts` are those of a record of this shape, and a None."""
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


class ShapedTextsReader:
    """Reads the texts of records, those of a known shape by position."""

    def __init__(self, elements: Elements, reader: RecordTextsReader) -> None:
        self._elements = elements
        self._slow = reader
        self._plans: dict[Shape, Plan | None] = {}

    def read(self, record: etree._Element) -> RecordTexts:
        """As `RecordTextsReader.read`."""
        elements = list(record.iter())
        shape = tuple([element.tag for element in elements]), tuple(map(len, elements))
        plan = self._plans.get(shape)
        if plan is not None:
            return plan.apply([*[element.text for element in elements], None])
        if shape not in self._plans and len(self._plans) < MAX_SHAPES and len(elements) <= MAX_ELEMENTS:
            self._plans[shape] = self._planned(record, shape)
        return self._slow.read(record)

    def _planned(self, record: etree._Element, shape: Shape) -> Plan | None:
        if not _UNPLAIN.isdisjoint(self._elements.names[tag] for tag in shape[0]):
            return None
        numbered = deepcopy(record)
        for position, element in enumerate(numbered.iter()):
            element.text = str(position)
        return Plan(self._slow.read(numbered))


def _pick(*positions: str | None) -> Pick:
    """Takes the texts at these positions, of which there are several."""
    return itemgetter(*(NOWHERE if position is None else int(position) for position in positions))
