"""The readers, pure: from a document's bytes to what it says. One entry for all formats, chosen by `DocumentFormat`."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Final

from parser.inflate import inflate
from parser.kinds import values
from parser.kinds.aggregate.reader import read_aggregate
from parser.kinds.failure.reader import read_failure
from parser.kinds.failure.sample import SampleKept
from parser.kinds.reading import Hints, Reading
from parser.kinds.several import SeveralReports
from parser.kinds.tls.reader import read_tls
from pipeline.contracts.limits import KiB, Limits, MiB
from pipeline.contracts.mail import DocumentFormat
from pipeline.errors import Rejected

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


LOOKED_AT_BYTES: Final = 256 * KiB  # the header stands at the beginning
COUNTED_BYTES: Final = 32 * MiB  # records are counted so far
MAX_VALUE_BYTES: Final = 200

Salvaged = dict[str, str]
_Patterns = Mapping[str, re.Pattern[str]]


def _element(name: str, *, within: str = "") -> re.Pattern[str]:
    outer = rf"{within}\b[^<>]{{0,200}}>.{{0,500}}?<(?:[\w.\-]{{1,40}}:)?" if within else ""
    return re.compile(rf"<(?:[\w.\-]{{1,40}}:)?{outer}{name}\s{{0,20}}>([^<>]{{1,500}})<", re.IGNORECASE | re.DOTALL)


def _member(name: str) -> re.Pattern[str]:
    return re.compile(rf'"{name}"\s{{0,20}}:\s{{0,20}}"([^"\\]{{1,500}})"')


_XML: Final[_Patterns] = {
    "org_name": _element("org_name"),
    "report_id": _element("report_id"),
    "domain": _element("domain", within="policy_published"),
    "begin": _element("begin"),
    "end": _element("end"),
}
_JSON: Final[_Patterns] = {
    "org_name": _member("organization-name"),
    "report_id": _member("report-id"),
    "domain": _member("policy-domain"),
    "begin": _member("start-datetime"),
    "end": _member("end-datetime"),
}
_RECORD_END: Final = re.compile(rb"</(?:[\w.\-]{1,40}:)?record\s{0,10}>", re.IGNORECASE)
_LONGEST_END: Final = 60  # bytes of such a tag that may stand in the next piece


def salvage(document: bytes, *, format: DocumentFormat, limits: Limits) -> Salvaged:
    """The facts that a refused document (gzip) shows, as it writes them: org_name, report_id, domain, begin, end.

    `records` is how many whole records of an aggregate report came before the damage. What is not there is left out.
    """
    if format is DocumentFormat.ARF:
        return {}
    head, records = _head_and_records(document, limits)
    patterns = _XML if format is DocumentFormat.XML else _JSON
    text = head.decode("utf-8", errors="replace")
    found = {name: _readable(match[1]) for name, pattern in patterns.items() if (match := pattern.search(text))}
    salvaged = {name: value for name, value in found.items() if value}
    if records:
        salvaged["records"] = str(records)
    return salvaged


def _readable(text: str) -> str:
    return values.cut(values.plain(unescape(text)), max_bytes=MAX_VALUE_BYTES)


def _head_and_records(document: bytes, limits: Limits) -> tuple[bytes, int]:
    """The first bytes, and the number of records that end in what can be unpacked."""
    head, tail, records, total = b"", b"", 0, 0
    try:
        for piece in inflate(document, limits=limits):
            if len(head) < LOOKED_AT_BYTES:
                head += piece[: LOOKED_AT_BYTES - len(head)]
            window = tail + piece
            ends = [match.end() for match in _RECORD_END.finditer(window)]
            records += len(ends)
            tail = window[max(ends[-1] if ends else 0, len(window) - _LONGEST_END) :]
            total += len(piece)
            if total > COUNTED_BYTES:
                break
    except Rejected:
        pass  # it ends here; what came before is what we have
    return head, records
