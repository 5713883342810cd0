"""The readers, pure: from a document's bytes to what it says. One entry for all formats, chosen by `DocumentFormat`."""

from parser.aggregate.reader import read_aggregate
from parser.failure.reader import read_failure
from parser.failure.sample import SampleKept
from parser.reading import Hints, Reading
from parser.salvage import salvage
from parser.several import SeveralReports
from parser.tls.reader import read_tls
from pipeline.document import DocumentFormat
from pipeline.errors import Rejected
from pipeline.limits import Limits

NO_HINTS = Hints()
DEFAULT_LIMITS = Limits()


def read(
    document: bytes,
    *,
    format: DocumentFormat,
    limits: Limits = DEFAULT_LIMITS,
    hints: Hints = NO_HINTS,
    sample_kept: SampleKept = SampleKept.HEADERS,
) -> Reading:
    """The report in `document` (one gzip member, as the extractor sends it). The caller closes the reading.

    `sample_kept` is how much of the reported mail a failure report keeps. Raises Rejected, with the reason and what
    could still be seen, for whatever is no report or cannot be trusted (SeveralReports, which is one, for a file of
    several); nothing else.
    """
    try:
        return _read(document, format, limits, hints, sample_kept)
    except SeveralReports:
        raise
    except Rejected as refused:
        salvaged = salvage(document, format=format, limits=limits)
        raise Rejected(refused.reason, refused.detail, salvaged=salvaged) from refused


def _read(document: bytes, format: DocumentFormat, limits: Limits, hints: Hints, sample_kept: SampleKept) -> Reading:
    if format is DocumentFormat.XML:
        return read_aggregate(document, limits=limits, hints=hints)
    if format is DocumentFormat.JSON:
        return read_tls(document, limits=limits, hints=hints)
    return read_failure(document, limits=limits, hints=hints, sample_kept=sample_kept)
