"""Repairing of documents that are not well-formed, without guessing: the tags that a report knows must still nest.

What reporters really send is put right as text (junk round the report, raw < and & in names, a lost "<" of an end tag,
an invalid byte); the strict parser then reads the result. libxml2's own recovery is not used, for it drops content in
silence. A document that was cut off, or whose tags contradict each other, is refused.
"""

import re
from dataclasses import dataclass

from parser.kinds.aggregate.encoding import decode
from parser.kinds.aggregate.tags import TagRepairer
from parser.kinds.several import SeveralReports
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected

MAX_REPAIRED_BYTES = 8 * 1024 * 1024  # it is held in memory several times over; the largest real report has half of it

_ROOT_START = re.compile(r"<(?:[\w.\-]+:)?feedback(?=[\s/>])", re.IGNORECASE)
_ROOT_END = re.compile(r"</(?:[\w.\-]+:)?feedback\s*>", re.IGNORECASE)
_ROWS = re.compile(r"<(?:[\w.\-]+:)?(?:record|row|source_?ip)(?=[\s/>])", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_DECLARATION = re.compile(r"<\?xml\s[^<>]{0,200}\?>", re.IGNORECASE)
_SCHEMA = re.compile(r"<(?:[\w.\-]+:)?schema\b[^<>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Repaired:
    """`text` is UTF-8 that starts with the report's root; `repairs` is what it took."""

    text: bytes
    repairs: frozenset[Repair]


def repair(data: bytes) -> Repaired:
    """The document made well-formed as far as that loses nothing.

    Raises Rejected: NO_REPORT_CONTENT, EMPTY_DOCUMENT, DOCTYPE_REFUSED, SeveralReports,
    RECORDS_LOST (cut off) or NOT_WELL_FORMED.
    """
    text, repairs = decode(data)
    if not text.strip():
        raise Rejected(Reason.EMPTY_DOCUMENT)
    root = _ROOT_START.search(text)
    if root is None:
        raise Rejected(Reason.NO_REPORT_CONTENT)
    if _DOCTYPE.search(text):
        raise Rejected(Reason.DOCTYPE_REFUSED)
    several = _several(text)
    if several:
        raise SeveralReports(several, repairs)
    repairs |= _judge_before(text[: root.start()])
    body, after = _split_after(text[root.start() :])
    if _ROWS.search(after) or _ROWS.search(_without_remarks(text[: root.start()])):
        raise Rejected(Reason.RECORDS_LOST, "rows that stand outside of the report")
    if after.strip():
        repairs.add(Repair.TRAILING_JUNK)
    repairer = TagRepairer(body)
    repaired = repairer.repair()
    return Repaired(repaired.encode(), frozenset(repairs | repairer.repairs))


def _judge_before(before: str) -> set[Repair]:
    rest = _without_remarks(before)
    repairs: set[Repair] = set()
    if _SCHEMA.search(rest):
        repairs.add(Repair.SCHEMA_WRAPPER)
        rest = _SCHEMA.sub("", rest)
    if rest.strip() or before.lstrip().startswith("<?xml") != before.startswith("<?xml"):
        repairs.add(Repair.LEADING_JUNK)
    return repairs


def _split_after(text: str) -> tuple[str, str]:
    """The report and what stands behind it."""
    end = _ROOT_END.search(text)
    if end is None:
        return text, ""
    after = text[end.end() :]
    if _ROOT_END.search(after):
        raise Rejected(Reason.NOT_WELL_FORMED, "two ends")
    return text[: end.end()], _without_remarks(after)


def _several(text: str) -> list[str]:
    """The texts of the reports, where a report begins behind the end of another one; each with its own end.

    What stands between two of them belongs to the second. A last one that was cut off is one of them too.
    """
    ends = [end.end() for end in _ROOT_END.finditer(text)]
    parts = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    rest = text[ends[-1] :] if ends else text
    if _ROOT_START.search(rest):
        parts.append(rest)
    elif parts:
        parts[-1] += rest
    if len(parts) < 2 or not all(map(_ROOT_START.search, parts)):
        return []
    return [_DECLARATION.sub("", part).strip() for part in parts]


def _without_remarks(text: str) -> str:
    """The text without comments, declarations and processing instructions, in linear time whatever it holds."""
    for opening, closing in (("<!--", "-->"), ("<?", "?>")):
        *ended, last = text.split(closing)
        text = "".join([piece.partition(opening)[0] for piece in ended] + [last])
    return text
