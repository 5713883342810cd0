"""JSON from strangers: bounded in size, in the number of values and in depth, its keys folded."""

import json
import re
from typing import Any

from parser.notes import Notes
from parser.repairs import Repair
from pipeline.errors import Rejected
from pipeline.reasons import Reason

MAX_VALUES = 400_000  # each may take 100 bytes of memory
_LOOKS_LIKE_A_REPORT = re.compile(rb'"(?:organization-name|report-id|policies|date-range)"')

Tree = dict[str, Any]


def parse_tree(document: bytes, *, notes: Notes) -> Tree:
    """The object that the document holds, keys in lower case with "-" for "_"; of a repeated key the first counts.

    Raises Rejected: EMPTY_DOCUMENT, SECTION_TOO_LARGE, NOT_WELL_FORMED or NO_REPORT_CONTENT.
    """
    if not document.strip(b" \t\r\n\0"):
        raise Rejected(Reason.EMPTY_DOCUMENT)
    if sum(document.count(mark) for mark in (b",", b"{", b"[")) > MAX_VALUES:
        raise Rejected(Reason.SECTION_TOO_LARGE, f"more than {MAX_VALUES} values")

    def fold(pairs: list[tuple[str, Any]]) -> Tree:
        return _folded(pairs, notes)

    try:
        tree = json.loads(_decode(document, notes), object_pairs_hook=fold, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        is_report = _LOOKS_LIKE_A_REPORT.search(document) is not None
        reason = Reason.NOT_WELL_FORMED if is_report else Reason.NO_REPORT_CONTENT
        raise Rejected(reason, type(error).__name__) from error
    if not isinstance(tree, dict):
        raise Rejected(Reason.NO_REPORT_CONTENT, "no JSON object")
    return tree


def _decode(document: bytes, notes: Notes) -> str:
    encoding = json.detect_encoding(document)
    try:
        return document.decode(encoding)
    except UnicodeError:
        notes.add(Repair.RE_ENCODED)
        return document.decode("cp1252", errors="replace")


def _folded(pairs: list[tuple[str, Any]], notes: Notes) -> Tree:
    tree: Tree = {}
    for key, value in pairs:
        folded = key.strip().lower().replace("_", "-")
        if folded != key:
            notes.add(Repair.ELEMENT_NAME_CASE)
        if folded in tree:
            notes.add(Repair.REPEATED_ELEMENT)
            continue
        tree[folded] = value
    return tree


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
