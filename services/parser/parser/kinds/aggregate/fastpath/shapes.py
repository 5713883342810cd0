"""The fast way to a record's texts. The records of a report look alike: how its elements nest is worked out once.

A shape is the tags of a record and how many children each element has, in the document's order: the whole tree but for
its texts. Where the texts of a shape stand is found out by the slow way itself, on a copy of the first such record in
which every text is replaced by its position; so both ways cannot differ.

Most reports have few records, and all reports together few shapes: a shape in which the slow way found nothing to note
is remembered from report to report, and looked for in the text (`patterns.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from lxml import etree

from parser.kinds.aggregate.elements import Elements, Tag
from parser.kinds.aggregate.fastpath.patterns import Pattern, Patterns
from parser.kinds.aggregate.texts import ReasonTexts, RecordTexts, RecordTextsReader
from parser.kinds.notes import Notes
from pipeline.contracts.repairs import Repair

MAX_SHAPES: Final = 200  # a hostile report may have as many as records
MAX_ORDINARY: Final = 500  # of all reports together; the 1,650 real ones that were looked at have 62
MAX_ELEMENTS: Final = 200  # of a shape; a longer record goes the slow way
MAX_TAGS: Final = 16 * 1024  # characters of its tags and the root's, namespaces included: they are remembered
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
        reasons = [(reason.type or None, reason.comment or None) for reason in positions.reasons]
        several = (*reasons, *positions.dkim_results, *positions.spf_results)
        wanted = {position for group in (values, *several) for position in group if position is not None}
        places = {position: place for place, position in enumerate(sorted(wanted, key=int))}
        self.wanted = tuple(map(int, places))  # few, for most elements hold others
        self._is_evaluated = positions.is_evaluated
        self._is_identified = positions.is_identified
        self._values = _pick(values, places)
        self._reasons = [_pick(reason, places) for reason in reasons]
        self._dkim = [_pick(result, places) for result in positions.dkim_results]
        self._spf = [_pick(result, places) for result in positions.spf_results]

    def read(self, wanted: Texts) -> RecordTexts:
        """The texts of a record of this shape, given those that stand at the wanted positions."""
        texts = [*wanted, None]
        source_ip, count, disposition, dkim, spf, header_from, envelope_from, envelope_to = self._values(texts)
        return RecordTexts(
            source_ip,
            count,
            self._is_evaluated,
            disposition,
            dkim,
            spf,
            tuple([_reason(*pick(texts)) for pick in self._reasons]),
            self._is_identified,
            header_from,
            envelope_from,
            envelope_to,
            tuple([pick(texts) for pick in self._dkim]),
            tuple([pick(texts) for pick in self._spf]),
        )


@dataclass(frozen=True, slots=True)
class KnownShape:
    """What is known of a shape. `is_plain`: its plan holds for elements too, of which a shape does not tell all."""

    plan: Plan
    is_plain: bool


class KnownShapes:
    """What is remembered from report to report: shapes in which there is nothing to note, at most `MAX_ORDINARY`.

    It holds in every report with the same root. Safe in several threads.
    """

    def __init__(self) -> None:
        self._shapes: dict[tuple[Tag, Shape], KnownShape] = {}
        self._plans: dict[tuple[Tag, Tag, Pattern], Plan] = {}
        self.patterns = Patterns()

    def find(self, shape: Shape, root: Tag) -> KnownShape | None:
        """The shape, where it is known."""
        return self._shapes.get((root, shape))

    def plan(self, pattern: Pattern, *, root: Tag, record: Tag) -> Plan | None:
        """How to read what a pattern matched, in a report whose root and records have these tags; None if unknown."""
        return self._plans.get((root, record, pattern))

    def keep(self, known: KnownShape, record: etree._Element, shape: Shape, root: Tag) -> None:
        """Remember the shape of a record; of too many, none."""
        if len(self._shapes) >= MAX_ORDINARY:
            self._shapes.clear()
            self._plans.clear()
            self.patterns.forget()
        pattern = self.patterns.learn(record, wanted=known.plan.wanted)
        if pattern is not None:
            self._plans[root, record.tag, pattern] = known.plan
        self._shapes[root, shape] = known  # last: another thread that finds it does not learn it


class ShapedTextsReader:
    """Reads the texts of records, those of a known shape by position."""

    def __init__(self, elements: Elements, reader: RecordTextsReader, *, known: KnownShapes) -> None:
        self._elements = elements
        self._slow = reader
        self._known = known
        self._plans: dict[Shape, Plan | None] = {}

    def read(self, record: etree._Element) -> RecordTexts:
        """As `RecordTextsReader.read`."""
        elements, tags = self._told(record)
        if not elements:
            return self._slow.read(record)
        shape = tuple(tags), tuple(map(len, elements))
        plan = self._plans.get(shape)
        if plan is None and shape not in self._plans and len(self._plans) < MAX_SHAPES:
            known = self._known.find(shape, self._root) or self._learnt(record, shape)
            plan = self._plans[shape] = known.plan if known.is_plain else None
        if plan is None:
            return self._slow.read(record)
        return plan.read([elements[position].text for position in plan.wanted])

    def _told(self, record: etree._Element) -> tuple[list[etree._Element], list[Tag]]:
        """The elements and their tags; none where that would be too much to hold, each tag with its namespace in it."""
        elements: list[etree._Element] = []
        tags: list[Tag] = []
        room = MAX_TAGS - _length(self._root)
        for element in record.iter():
            tag = element.tag
            room -= _length(tag)
            if room < 0 or len(tags) == MAX_ELEMENTS:
                return [], []
            elements.append(element)
            tags.append(tag)
        return elements, tags

    @property
    def _root(self) -> Tag:
        root = self._elements.root
        return "" if root is None else root.tag

    def _learnt(self, record: etree._Element, shape: Shape) -> KnownShape:
        """A new shape, worked out. What the slow way has to note of a plain one is noted in the report."""
        numbered = deepcopy(record)
        for position, element in enumerate(numbered.iter()):
            element.text = str(position)
            element.attrib.clear()
        notes = Notes(max_text_bytes=MAX_ELEMENTS)
        elements = Elements(notes, is_judging=False)
        elements.root = self._elements.root
        positions = RecordTextsReader(elements, notes).read(numbered)
        is_ordinary = not (notes.repairs or elements.extensions or elements.names.has_unknown)
        is_plain = _UNPLAIN.isdisjoint(elements.names[tag] for tag in shape[0])
        is_plain = is_plain and Repair.REPEATED_ELEMENT not in notes.repairs  # whether they differ, no shape tells
        is_plain = is_plain and None not in (positions.source_ip, positions.count)  # they may stand in attributes
        known = KnownShape(Plan(positions), is_plain=is_plain)
        if is_ordinary:
            self._known.keep(known, record, shape, self._root)
        elif known.is_plain:
            self._slow.read(numbered)
        return known


def _length(tag: Tag) -> int:
    return len(tag) if isinstance(tag, str) else 0


def _reason(kind: str | None, comment: str | None) -> ReasonTexts:
    return ReasonTexts(kind or "", comment or "", None)


def _pick(positions: Texts, places: Mapping[str, int]) -> Pick:
    """Takes the texts at these positions, of which there are several, from their places in a list."""
    return itemgetter(*(NOWHERE if position is None else places[position] for position in positions))
