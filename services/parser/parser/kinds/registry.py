"""The kinds of reports, one line each, and the one entry to their readers: from a document's bytes to what it says.

What a document that was refused shows all the same is found here as well: for eyes only, and never stored as a report.
"""

from html import unescape
from typing import Any, Final

from parser.kinds import values
from parser.kinds.aggregate.kind import AGGREGATE
from parser.kinds.failure.kind import FAILURE
from parser.kinds.kind import Kind, Totals
from parser.kinds.reading import Hints, Reading, SampleKept, Terms
from parser.kinds.several import SeveralReports
from parser.kinds.tls.kind import TLS
from pipeline.contracts.limits import KiB, Limits, MiB
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import ReportHeader
from pipeline.errors import Rejected
from pipeline.mailformat.inflate import inflate

LOOKED_AT_BYTES: Final = 256 * KiB  # the header stands at the beginning
COUNTED_BYTES: Final = 32 * MiB  # records are counted so far
MAX_VALUE_BYTES: Final = 200
_LONGEST_END: Final = 60  # bytes of a record's end tag that may stand in the next piece

Salvaged = dict[str, str]


def salvage(document: bytes, *, kind: Kind[Any], limits: Limits) -> Salvaged:
    """The facts that a refused document (gzip) shows: org_name, report_id, domain, begin, end.

    `records` is how many whole records came before the damage. What is not there is left out.
    """
    if not kind.shown:
        return {}
    head, records = _head_and_records(document, kind, limits)
    text = head.replace(b"\0", b"").decode("utf-8", errors="replace")  # UTF-16 becomes ASCII
    found = {name: _readable(match[1]) for name, pattern in kind.shown.items() if (match := pattern.search(text))}
    salvaged = {name: value for name, value in found.items() if value}
    if records:
        salvaged["records"] = str(records)
    return salvaged


def _readable(text: str) -> str:
    return values.cut(values.plain(unescape(text)), max_bytes=MAX_VALUE_BYTES)


def _head_and_records(document: bytes, kind: Kind[Any], limits: Limits) -> tuple[bytes, int]:
    """The first bytes, and the number of records that end in what can be unpacked."""
    head, tail, records, total = b"", b"", 0, 0
    try:
        for piece in inflate(document, limits=limits):
            if len(head) < LOOKED_AT_BYTES:
                head += piece[: LOOKED_AT_BYTES - len(head)]
            window = tail + piece
            ends = [match.end() for match in kind.record_end.finditer(window)] if kind.record_end else []
            records += len(ends)
            tail = window[max(ends[-1] if ends else 0, len(window) - _LONGEST_END) :]
            total += len(piece)
            if total > COUNTED_BYTES:
                break
    except Rejected:
        pass  # it ends here; what came before is what we have
    return head, records


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
