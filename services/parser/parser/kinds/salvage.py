"""What a refused document shows all the same, as it writes it: for eyes only, and never stored as a report."""

from html import unescape
from typing import Any, Final

from parser.kinds import values
from parser.kinds.kind import Kind
from pipeline.contracts.limits import KiB, Limits, MiB
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
    text = head.decode("utf-8", errors="replace")
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
