"""An aggregate report, from its compressed bytes to a header and rows, in one pass."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from lxml import etree

from parser.inflate import inflate, inflate_whole
from parser.kinds import values
from parser.kinds.aggregate.elements import Elements, text_of
from parser.kinds.aggregate.fastpath.runs import Runs, Unforeseen
from parser.kinds.aggregate.fastpath.shapes import ShapedTextsReader
from parser.kinds.aggregate.header import OF_RECORDS, HeaderReader, Metadata
from parser.kinds.aggregate.record import RecordReader, RecordTexts, RecordTextsReader
from parser.kinds.aggregate.sections import Damaged, Sections
from parser.kinds.aggregate.text import Prologue, read_prologue
from parser.kinds.aggregate.wellformed import MAX_MENDED_BYTES, mend
from parser.kinds.identity import Fingerprint
from parser.kinds.notes import Notes
from parser.kinds.reading import Hints, Reading
from parser.kinds.rows import RowSpool
from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import AggregateReport, Policy, ReportKind
from pipeline.errors import Rejected

MAX_UNKNOWN_SECTIONS = 1000
_NO_ELEMENT = ""  # the name of a comment


def read_aggregate(document: bytes, *, limits: Limits, hints: Hints) -> Reading:
    """The report in `document` (gzip). The caller closes the reading.

    What is not well-formed is mended in memory where it is small enough, and read once more. Raises Rejected.
    """
    pieces = inflate(document, limits=limits)
    first = next(pieces, b"")
    prologue = read_prologue(first)
    if prologue.is_feedback and prologue.is_streamable:
        try:
            return _read_streamed(document, chain((first,), pieces), prologue, limits=limits, hints=hints)
        except Damaged as damage:
            return _read_mended(document, limits=limits, hints=hints, damage=str(damage))
    return _read_mended(document, limits=limits, hints=hints, damage="")


def _read_streamed(
    document: bytes, pieces: Iterable[bytes], prologue: Prologue, *, limits: Limits, hints: Hints
) -> Reading:
    """The report in `pieces`, which are those of the document. Raises Damaged and Rejected."""
    try:
        return _read(pieces, prologue, limits=limits, hints=hints, runs=Runs())
    except Unforeseen:
        return _read(inflate(document, limits=limits), prologue, limits=limits, hints=hints)


def _read_mended(document: bytes, *, limits: Limits, hints: Hints, damage: str) -> Reading:
    try:
        whole = inflate_whole(document, limits=limits, max_bytes=MAX_MENDED_BYTES)
    except Rejected as error:
        raise Rejected(Reason.NOT_WELL_FORMED, f"{damage}; too large to mend") from error
    mended = mend(whole)
    prologue = read_prologue(mended.text)
    try:
        return _read((mended.text,), prologue, limits=limits, hints=hints, repairs=mended.repairs)
    except Damaged as again:
        raise Rejected(Reason.NOT_WELL_FORMED, damage or str(again)) from again


def _read(
    pieces: Iterable[bytes],
    prologue: Prologue,
    *,
    limits: Limits,
    hints: Hints,
    runs: Runs | None = None,
    repairs: frozenset[Repair] = frozenset(),
) -> Reading:
    """The report in these pieces. Raises Damaged, Rejected, and with `runs` Unforeseen."""
    rows = RowSpool()
    pass_ = _Pass(rows, limits=limits, hints=hints, runs=runs)
    pass_.notes.repairs.update(repairs)
    try:
        rest = pieces if runs is None else runs.taken_out(pieces)
        pass_.run(Sections(rest, root_name=prologue.root or "feedback"))
        report = pass_.report()
        return Reading(report, rows, tuple(pass_.notes.changes))
    except BaseException:
        rows.close()
        raise


class _Pass:
    """One pass over the sections of one report."""

    def __init__(self, rows: RowSpool, *, limits: Limits, hints: Hints, runs: Runs | None) -> None:
        self.notes = Notes(max_text_bytes=limits.max_text_bytes)
        self._rows = rows
        self._runs = runs
        self._max_records = limits.max_records
        self._elements = Elements(self.notes)
        self._header = HeaderReader(self._elements, self.notes, hints)
        self._texts = ShapedTextsReader(self._elements, RecordTextsReader(self._elements, self.notes))
        self._records = RecordReader(self.notes)
        self._fingerprint = Fingerprint()
        self._namespace: str | None = None
        self._raw: dict[str, str] = {}
        self._metadata: Metadata | None = None
        self._policy: Policy | None = None
        self._version: str | None = None
        self._header_sections: list[etree._Element] = []
        self._record_count = 0
        self._mail_count = 0
        self._unknown_count = 0

    def run(self, sections: Sections) -> None:
        """Take in every section, in whatever order they come."""
        names = self._elements.names
        for section in sections:
            if self._elements.root is None and sections.root is not None:
                self._elements.root = sections.root
                self._namespace = etree.QName(sections.root).namespace
            name = names[section.tag]
            take = _SECTIONS.get(name, _Pass.on_unknown)
            if self._namespace and self._elements.is_foreign(section):
                take = _Pass.on_foreign
            take(self, section)
        if self._runs is not None:
            self._runs.check_all_came()

    def on_record(self, section: etree._Element) -> None:
        run = None if self._runs is None else self._runs.at(section, root=self._elements.root)
        for texts in (self._texts.read(section),) if run is None else run:
            self._add(texts)

    def _add(self, texts: RecordTexts) -> None:
        self._record_count += 1
        if self._record_count > self._max_records:
            raise Rejected(Reason.TOO_MANY_RECORDS, f"more than {self._max_records}")
        row, count = self._records.read(texts)
        self._mail_count += count
        if row is not None:
            self._rows.append(row)
            self._fingerprint.add_row(row)

    def on_metadata(self, section: etree._Element) -> None:
        self._header_sections.append(section)
        metadata = self._header.metadata(section)
        if self._metadata is None:
            self._metadata = metadata
            return
        if metadata != self._metadata:
            raise Rejected(Reason.AMBIGUOUS_REPORT, "two different report_metadata")
        self.notes.add(Repair.REPEATED_ELEMENT)

    def on_policy(self, section: etree._Element) -> None:
        self._header_sections.append(section)
        policy = self._header.policy(section, self._raw)
        if self._policy is None:
            self._policy = policy
            return
        if policy != self._policy:
            raise Rejected(Reason.AMBIGUOUS_REPORT, "two different policy_published")
        self.notes.add(Repair.REPEATED_ELEMENT)

    def on_version(self, section: etree._Element) -> None:
        self._version = self._version or self.notes.text(text_of(section))

    def on_unknown(self, section: etree._Element) -> None:
        """What no report has there: a wrapper of records is looked through, anything else must hold no rows."""
        names = self._elements.names
        if self._elements.is_foreign(section):
            self.on_foreign(section)
            return
        if len(section) and all(names[child.tag] in ("record", _NO_ELEMENT) for child in section):
            self.notes.add(Repair.RECORDS_WRAPPED)
            for child in section:
                if names[child.tag] == "record":
                    self.on_record(child)
            return
        self._check_no_rows(section)
        self.on_foreign(section)

    def _check_no_rows(self, section: etree._Element) -> None:
        """Raises Rejected where rows stand in a section that has none: read past, they would be lost."""
        names = self._elements.names
        if any(names[element.tag] in OF_RECORDS for element in section.iter()):
            raise Rejected(Reason.RECORDS_LOST, f"rows that stand in {names[section.tag]}, outside of any record"[:100])

    def on_foreign(self, section: etree._Element) -> None:
        """An extension (RFC 9990): passed over by name."""
        self._unknown_count += 1
        if self._unknown_count > MAX_UNKNOWN_SECTIONS:
            raise Rejected(Reason.SECTION_TOO_LARGE, f"more than {MAX_UNKNOWN_SECTIONS} unknown elements")
        if self._elements.root is not None:
            self._elements.pass_over(self._elements.root, self._elements.names[section.tag])

    def on_extension(self, section: etree._Element) -> None:
        for name in self._elements.children(section):
            self._elements.pass_over(section, name)

    def report(self) -> AggregateReport:
        """The header, once everything was taken in. Raises Rejected where a part that identifies it is missing."""
        if self._metadata is None:
            raise Rejected(Reason.MISSING_REPORT_ID if self._policy else Reason.NO_REPORT_CONTENT, "no report_metadata")
        if self._policy is None:
            raise Rejected(Reason.MISSING_POLICY)
        if abs(self._mail_count) > values.MAX_BIGINT:
            raise Rejected(Reason.BAD_VALUE, "the sum of the counts")
        if not self._record_count:
            for section in self._header_sections:
                self._check_no_rows(section)
            self.notes.add(Repair.NO_RECORDS)
        metadata, policy = self._metadata, self._policy
        self._fingerprint.add(metadata.report_id, metadata.begin, metadata.end, metadata.errors, policy)
        return AggregateReport(
            kind=ReportKind.AGGREGATE,
            org_name=metadata.org_name,
            report_id=metadata.report_id,
            domain=policy.domain,
            begin=metadata.begin,
            end=metadata.end,
            fingerprint=self._fingerprint.hexdigest(),
            records=self._record_count,
            messages=self._mail_count,
            repairs=self.notes.names(),
            raw=metadata.raw | self._raw,
            email=metadata.email,
            extra_contact_info=metadata.extra_contact_info,
            generator=metadata.generator,
            version=self._version,
            namespace=self.notes.text(self._namespace),
            errors=metadata.errors,
            policy=policy,
            extensions=tuple(self._elements.extensions),
        )


# Not in each pass: a pass that holds its own methods would keep its whole document until somebody looks for cycles.
_SECTIONS: Final[dict[str, Callable[[_Pass, etree._Element], None]]] = {
    "record": _Pass.on_record,
    "report_metadata": _Pass.on_metadata,
    "policy_published": _Pass.on_policy,
    "version": _Pass.on_version,
    "extension": _Pass.on_extension,
}
