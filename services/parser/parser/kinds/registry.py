"""The kinds of reports, one line each, and the one entry to their readers: from a document's bytes to what it says."""

from typing import Any, Final

from parser.kinds.aggregate.kind import AGGREGATE
from parser.kinds.failure.kind import FAILURE
from parser.kinds.kind import Kind, Totals
from parser.kinds.reading import Hints, Reading, SampleKept, Terms
from parser.kinds.salvage import salvage
from parser.kinds.several import SeveralReports
from parser.kinds.tls.kind import TLS
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import ReportHeader
from pipeline.errors import Rejected

KINDS: Final[tuple[Kind[Any], ...]] = (
    AGGREGATE,
    TLS,
    FAILURE,
)

NO_HINTS: Final = Hints()
DEFAULT_LIMITS: Final = Limits()
_BY_KIND: Final = {kind.kind: kind for kind in KINDS}


def kind_of(report: ReportHeader) -> Kind[Any]:
    """The kind of a report."""
    return _BY_KIND[report.kind]


def totals_of(reading: Reading) -> Totals:
    """What became of the messages that a report counts; goes through its rows."""
    return kind_of(reading.report).totals_of(reading)


class Readers:
    """The readers of all kinds, with what they learn from one document for the next; for any number of threads."""

    def __init__(self) -> None:
        self._by_format = {kind.format: (kind, kind.reader()) for kind in KINDS}

    def read(self, document: bytes, *, format: DocumentFormat, terms: Terms) -> Reading:
        """The report in `document` (one gzip member, as the extractor sends it). The caller closes the reading.

        Raises Rejected, with the reason and what could still be seen, for whatever is no report or cannot be trusted
        (SeveralReports, which is one, for a file of several); nothing else.
        """
        kind, reader = self._by_format[format]
        try:
            return reader(document, terms)
        except SeveralReports:
            raise
        except Rejected as refused:
            salvaged = salvage(document, kind=kind, limits=terms.limits)
            raise Rejected(refused.reason, refused.detail, salvaged=salvaged) from refused


def read(
    document: bytes,
    *,
    format: DocumentFormat,
    limits: Limits = DEFAULT_LIMITS,
    hints: Hints = NO_HINTS,
    sample_kept: SampleKept = SampleKept.HEADERS,
) -> Reading:
    """A single document, as `Readers.read`; many of them are read faster by the same `Readers`."""
    terms = Terms(limits=limits, hints=hints, sample_kept=sample_kept)
    return Readers().read(document, format=format, terms=terms)
