"""What can still be seen in a document that was refused: for the operator's eyes, never for the store.

Found by looking for the names in the text, wherever they stand and whatever is broken around them. What is found may
be wrong; nothing is made of it.
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Final

from parser import values
from parser.inflate import inflate
from pipeline.document import DocumentFormat
from pipeline.errors import Rejected
from pipeline.limits import KiB, Limits, MiB

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
