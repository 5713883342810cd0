"""A report, built from the sections of its document in whatever order they come."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from lxml import etree

from parser.kinds import values
from parser.kinds.aggregate.elements import Elements, text_of
from parser.kinds.aggregate.header import OF_RECORDS, HeaderReader, Metadata
from parser.kinds.aggregate.record import RecordReader
from parser.kinds.aggregate.texts import PlainRecords, RecordTexts
from parser.kinds.identity import Fingerprint
from parser.kinds.notes import Notes
from parser.kinds.reading import Reading, Terms
from parser.kinds.rows import RowSpool
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import AggregateReport, Policy, ReportKind
from pipeline.errors import Rejected

MAX_UNKNOWN_SECTIONS = 1000
_REBUILT = "feedback/rebuilt_from_"  # what `dmarq import` puts into a report of another tool
_NO_ELEMENT = ""  # the name of a comment
_UNKNOWN = "*"  # stands for any other name


class ReportBuilder:
    """Takes in the sections of one report, in one pass; close its `rows` where that fails."""

    def __init__(self, terms: Terms) -> None:
        self.notes = Notes(max_text_bytes=terms.limits.max_text_bytes)
        self.elements = Elements(self.notes)
        self.rows = RowSpool()
        self._max_records = terms.limits.max_records
        self._header = HeaderReader(self.elements, self.notes, terms.hints)
        self._records = RecordReader(self.notes)
        self._texts: Callable[[etree._Element], Iterable[RecordTexts]]
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

    def run(self, records: PlainRecords) -> None:
        """Take in every section, in whatever order they come."""
        names = self.elements.names
        self._texts = records.texts
        for section in records:
            if self.elements.root is None and records.root is not None:
                self.elements.root = records.root
                self._namespace = etree.QName(records.root).namespace
            if self._namespace and self.elements.is_foreign(section):
                self._on_foreign(section)
            else:
                add = self._SECTIONS.get(names[section.tag]) or self._SECTIONS[_UNKNOWN]
                add(self, section)

    def _on_record(self, section: etree._Element) -> None:
        for texts in self._texts(section):
            self._add(texts)

    def _add(self, texts: RecordTexts) -> None:
        self._record_count += 1
        if self._record_count > self._max_records:
            raise Rejected(Reason.TOO_MANY_RECORDS, f"more than {self._max_records}")
        row, count = self._records.read(texts)
        self._mail_count += count
        if row is not None:
            self.rows.append(row)
            self._fingerprint.add_row(row)

    def _on_metadata(self, section: etree._Element) -> None:
        self._header_sections.append(section)
        metadata = self._header.metadata(section)
        if self._metadata is None:
            self._metadata = metadata
            return
        if metadata != self._metadata:
            raise Rejected(Reason.AMBIGUOUS_REPORT, "two different report_metadata")
        self.notes.add(Repair.REPEATED_ELEMENT)

    def _on_policy(self, section: etree._Element) -> None:
        self._header_sections.append(section)
        policy = self._header.policy(section, self._raw)
        if self._policy is None:
            self._policy = policy
            return
        if policy != self._policy:
            raise Rejected(Reason.AMBIGUOUS_REPORT, "two different policy_published")
        self.notes.add(Repair.REPEATED_ELEMENT)

    def _on_version(self, section: etree._Element) -> None:
        self._version = self._version or self.notes.text(text_of(section))

    def _on_unknown(self, section: etree._Element) -> None:
        """What no report has there: a wrapper of records is looked through, anything else must hold no rows."""
        names = self.elements.names
        if self.elements.is_foreign(section):
            self._on_foreign(section)
            return
        if len(section) and all(names[child.tag] in ("record", _NO_ELEMENT) for child in section):
            self.notes.add(Repair.RECORDS_WRAPPED)
            for child in section:
                if names[child.tag] == "record":
                    self._on_record(child)
            return
        self._check_no_rows(section)
        self._on_foreign(section)

    def _check_no_rows(self, section: etree._Element) -> None:
        """Raises Rejected where rows stand in a section that has none: read past, they would be lost."""
        names = self.elements.names
        if any(names[element.tag] in OF_RECORDS for element in section.iter()):
            raise Rejected(Reason.RECORDS_LOST, f"rows that stand in {names[section.tag]}, outside of any record"[:100])

    def _on_foreign(self, section: etree._Element) -> None:
        """An extension (RFC 9990): passed over by name."""
        self._unknown_count += 1
        if self._unknown_count > MAX_UNKNOWN_SECTIONS:
            raise Rejected(Reason.SECTION_TOO_LARGE, f"more than {MAX_UNKNOWN_SECTIONS} unknown elements")
        if self.elements.root is not None:
            self.elements.pass_over(self.elements.root, self.elements.names[section.tag])

    def _on_extension(self, section: etree._Element) -> None:
        for name in self.elements.children(section):
            self.elements.pass_over(section, name)

    def reading(self) -> Reading:
        """The report and its rows, once everything was taken in. Raises Rejected as `report` does."""
        return Reading(self.report(), self.rows, tuple(self.notes.changes))

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
        if any(name.startswith(_REBUILT) for name in self.elements.extensions):
            self.notes.add(Repair.REBUILT)
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
            extensions=tuple(self.elements.extensions),
        )

    # Functions, not methods of an object: a builder that held its own would keep its whole document until somebody
    # looks for cycles.
    _SECTIONS: ClassVar[dict[str, Callable[["ReportBuilder", etree._Element], None]]] = {
        "record": _on_record,
        "report_metadata": _on_metadata,
        "policy_published": _on_policy,
        "version": _on_version,
        "extension": _on_extension,
        _UNKNOWN: _on_unknown,
    }
