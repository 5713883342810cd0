"""The texts of a record, found through the tree: the plain path, which knows every oddity of a report's mark-up."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from lxml import etree

from parser.kinds.aggregate.elements import Elements, language_of, text_of
from parser.kinds.aggregate.sections import Sections
from parser.kinds.notes import Notes
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected

MAX_RESULTS = 1000  # RFC 9990 suggests 100 a record
_OF_A_ROW = frozenset({"source_ip", "count"})


# A DKIM or SPF result: domain, selector, scope, result, human_result and the language of that, where not English.
ResultTexts = tuple[str | None, ...]


class ReasonTexts(NamedTuple):
    """An override reason; `language` is that of the comment, where it is not English."""

    type: str
    comment: str
    language: str | None


class RecordTexts(NamedTuple):
    """A record; what is not there is None. `is_evaluated` and `is_identified`: whether those sections are there."""

    source_ip: str | None
    count: str | None  # type: ignore[assignment]  # hides tuple.count, which nothing needs
    is_evaluated: bool
    disposition: str | None
    dkim: str | None
    spf: str | None
    reasons: tuple[ReasonTexts, ...]
    is_identified: bool
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    dkim_results: tuple[ResultTexts, ...]
    spf_results: tuple[ResultTexts, ...]


class RecordTextsReader:
    """Finds the texts, whatever stands beside and between them; notes what is missing, repeated or unknown."""

    def __init__(self, elements: Elements, notes: Notes) -> None:
        self._elements = elements
        self._notes = notes

    def read(self, record: etree._Element) -> RecordTexts:
        """The texts of a record. Raises Rejected for more results than any honest record has."""
        sections = self._elements.sections(record)
        row = self._children(sections.get("row"))
        self._check_not_elsewhere(_OF_A_ROW - row.keys(), record)
        evaluation = self._placed("policy_evaluated", row, sections)
        evaluated, reasons = self._policy_evaluated(evaluation)
        identifiers = self._placed("identifiers", sections, row)
        named = {} if identifiers is None else self._elements.texts(identifiers)
        if identifiers is None:
            self._notes.add(Repair.MISSING_IDENTIFIERS)
        dkim_results, spf_results = self._auth_results(self._placed("auth_results", sections, row))
        return RecordTexts(
            source_ip=_text(row.get("source_ip")),
            count=_text(row.get("count")),
            is_evaluated=evaluation is not None,
            disposition=_text(evaluated.get("disposition")),
            dkim=_text(evaluated.get("dkim")),
            spf=_text(evaluated.get("spf")),
            reasons=reasons,
            is_identified=identifiers is not None,
            header_from=named.get("header_from"),
            envelope_from=named.get("envelope_from"),
            envelope_to=named.get("envelope_to"),
            dkim_results=dkim_results,
            spf_results=spf_results,
        )

    def _children(self, element: etree._Element | None) -> dict[str, etree._Element]:
        return {} if element is None else self._elements.children(element)

    def _placed(
        self, name: str, own: dict[str, etree._Element], other: dict[str, etree._Element]
    ) -> etree._Element | None:
        """The section where it belongs, or else where it stands instead."""
        if name in own or name not in other:
            return own.get(name)
        self._notes.add(Repair.MISPLACED_SECTION)
        return other[name]

    def _check_not_elsewhere(self, missing: frozenset[str], record: etree._Element) -> None:
        """Raises Rejected where what is missing in the row stands somewhere else in the record, or as an attribute."""
        if not missing:
            return
        names = self._elements.names
        own = [section for section in record if not self._elements.is_foreign(section)]
        elements = [element for section in own for element in section.iter()]
        said = {names[element.tag] for element in elements}
        said.update(str(name) for element in (record, *elements) for name in element.attrib)
        if not missing.isdisjoint(said):
            raise Rejected(Reason.RECORDS_LOST, f"{' or '.join(sorted(missing))} stands outside of its row")

    def _policy_evaluated(
        self, element: etree._Element | None
    ) -> tuple[dict[str, etree._Element], tuple[ReasonTexts, ...]]:
        if element is None:
            self._notes.add(Repair.MISSING_POLICY_EVALUATED)
            return {}, ()
        found, reasons = self._elements.split(element, "reason")
        return found, tuple(map(self._reason, reasons))

    def _reason(self, reason: etree._Element) -> ReasonTexts:
        found = self._elements.children(reason)
        kind = text_of(found.get("type"))
        if not found and text_of(reason).strip():
            self._notes.add(Repair.REASON_AS_TEXT)
            kind = text_of(reason)
        comment = found.get("comment")
        return ReasonTexts(kind, text_of(comment), language_of(comment))

    def _auth_results(self, element: etree._Element | None) -> tuple[tuple[ResultTexts, ...], tuple[ResultTexts, ...]]:
        if element is None:
            self._notes.add(Repair.MISSING_AUTH_RESULTS)
            return (), ()
        results: dict[str, list[ResultTexts]] = {"dkim": [], "spf": []}
        for child in element:
            name = self._elements.names[child.tag]
            if name in results:
                results[name].append(self._result(child))
            elif name:
                self._elements.pass_over(element, name)
        if max(map(len, results.values())) > MAX_RESULTS:
            raise Rejected(Reason.SECTION_TOO_LARGE, f"more than {MAX_RESULTS} results in a record")
        return tuple(results["dkim"]), tuple(results["spf"])

    def _result(self, element: etree._Element) -> ResultTexts:
        get = self._elements.texts(element).get
        human = get("human_result")
        names = self._elements.names
        language = None
        if human is not None:
            language = language_of(next(child for child in element if names[child.tag] == "human_result"))
        return get("domain"), get("selector"), get("scope"), get("result"), human, language


def _text(element: etree._Element | None) -> str | None:
    return None if element is None else element.text


class TextsReader(Protocol):
    """Whatever gives the texts of a record."""

    def read(self, record: etree._Element) -> RecordTexts:
        """The texts. Raises Rejected."""
        ...


class PlainRecords:
    """The sections of a document, and the texts of those that are records, all through the tree."""

    def __init__(self, pieces: Iterable[bytes], *, root_name: str, reader: TextsReader) -> None:
        self._sections = Sections(pieces, root_name=root_name)
        self._reader = reader

    @property
    def root(self) -> etree._Element | None:
        """The document's root; there from the first section on."""
        return self._sections.root

    def __iter__(self) -> Iterator[etree._Element]:
        """The sections. Raises Damaged and Rejected."""
        yield from self._sections

    def texts(self, record: etree._Element) -> Iterable[RecordTexts]:
        """The texts of the record. Raises Rejected."""
        return (self._reader.read(record),)
