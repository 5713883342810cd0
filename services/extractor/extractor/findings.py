"""What was found in a mail or a file: its documents, compressed for the way, and one line for every part."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from extractor.pack import Packed
from pipeline.contracts.mail import DocumentFormat, DocumentInfo, LineOutcome, PartLine
from pipeline.contracts.reasons import Reason


@dataclass(frozen=True, slots=True)
class Findings:
    """What a mail says of itself (sanitised, bounded), and what is in it.

    `lines` has one line for every part and archive member. `blobs` are the bytes of the documents, in the same order,
    each as one gzip member; `cargo` counts them from 1, for beside an event the mail itself comes first.
    """

    subject: str
    from_address: str
    message_id: str
    date: datetime | None
    lines: tuple[PartLine, ...]
    documents: tuple[DocumentInfo, ...]
    blobs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One part or archive member while it is looked at; the first half of its line.

    `is_carrier`: its label is one under which reports travel, or it came out of an archive. `size` is in bytes.
    """

    path: str
    name: str = ""
    declared_type: str = ""
    sniffed: str = ""
    size: int = 0
    repairs: tuple[str, ...] = ()
    is_carrier: bool = False

    def as_carrier(self) -> "Item":
        """The same item, known to carry reports."""
        return self if self.is_carrier else replace(self, is_carrier=True)

    def repaired(self, repairs: Sequence[str]) -> "Item":
        """The same item with more repairs, each once."""
        if not repairs:
            return self
        return replace(self, repairs=tuple(dict.fromkeys((*self.repairs, *repairs))))


@dataclass(frozen=True, slots=True)
class Document:
    """An item that is a document."""

    item: Item
    format: DocumentFormat
    packed: Packed


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that cannot be read."""

    item: Item
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """An item that is passed over."""

    item: Item
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NestedMail:
    """An item that is a mail and must be searched in its turn."""

    item: Item
    data: bytes
    depth: int


Finding = Document | Refusal | Ignored

_SHUT: Final = frozenset(
    {
        Reason.ENCRYPTED,
        Reason.UNSUPPORTED_CONTAINER,
        Reason.UNSUPPORTED_COMPRESSION,
        Reason.CORRUPT_CONTAINER,
        Reason.TRUNCATED_CONTAINER,
    }
)
_WITHOUT_REPORT: Final = frozenset({Reason.NO_REPORT_CONTENT, Reason.EMPTY_DOCUMENT, Reason.NOT_UNDERSTOOD})


@dataclass(slots=True)
class Notebook:
    """Collects findings in order and makes the lines of them."""

    lines: list[PartLine] = field(default_factory=list)
    documents: list[DocumentInfo] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    _carriers: list[int] = field(default_factory=list)  # lines that would have held the report, if there were one

    def note(self, finding: Finding) -> None:
        """Write down what became of an item."""
        if isinstance(finding, Document):
            self._document(finding)
            return
        if isinstance(finding, Ignored) and _may_hold_the_report(finding):
            self._carriers.append(len(self.lines))
        outcome = LineOutcome.REFUSED if isinstance(finding, Refusal) else LineOutcome.IGNORED
        self.lines.append(_line(finding.item, outcome, reason=finding.reason, detail=finding.detail))

    def refuse_carriers(self) -> None:
        """The report was expected and did not come: what should have held it is refused, not passed over."""
        for index in self._carriers:
            self.lines[index] = self.lines[index].model_copy(update={"outcome": LineOutcome.REFUSED})

    @property
    def has_refusals(self) -> bool:
        """Whether anything was refused."""
        return any(line.outcome is LineOutcome.REFUSED for line in self.lines)

    @property
    def has_switched_off(self) -> bool:
        """Whether anything was passed over because its format is switched off."""
        return any(line.reason is Reason.FORMAT_NOT_ALLOWED for line in self.lines)

    def _document(self, found: Document) -> None:
        item, packed = found.item, found.packed
        self.blobs.append(packed.blob)
        self.documents.append(
            DocumentInfo(
                path=item.path,
                name=item.name,
                format=found.format,
                size=packed.size,
                sha256=packed.sha256,
                cargo=len(self.blobs),
                repairs=item.repairs,
            )
        )
        self.lines.append(_line(item, LineOutcome.DOCUMENT))


def _may_hold_the_report(finding: Ignored) -> bool:
    if finding.reason in _SHUT:
        return True
    return finding.item.is_carrier and finding.reason in _WITHOUT_REPORT


def _line(item: Item, outcome: LineOutcome, *, reason: Reason | None = None, detail: str = "") -> PartLine:
    return PartLine(
        path=item.path,
        name=item.name,
        declared_type=item.declared_type,
        sniffed=item.sniffed,
        size=item.size,
        outcome=outcome,
        reason=reason,
        detail=detail,
        repairs=item.repairs,
    )
