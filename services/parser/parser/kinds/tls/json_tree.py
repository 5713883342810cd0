"""JSON from strangers as a tree: bounded in size, in the number of values and in depth, its keys folded."""

from typing import Any

from parser.kinds.notes import Notes
from parser.kinds.tls.json_text import parse_report
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected

Tree = dict[str, Any]
# Of these a second one must say the same.
DECISIVE = frozenset(
    {
        "organization-name",
        "report-id",
        "date-range",
        "start-datetime",
        "end-datetime",
        "policies",
        "policy-domain",
        "total-successful-session-count",
        "total-failure-session-count",
        "failed-session-count",
        "sending-mta-ip",
        "receiving-ip",
    }
)


def parse_tree(document: bytes, *, notes: Notes) -> Tree:
    """The object that the document holds, keys in lower case with "-" for "_"; of a repeated key the first counts.

    Raises SeveralReports, and Rejected: EMPTY_DOCUMENT, SECTION_TOO_LARGE, NOT_WELL_FORMED, NO_REPORT_CONTENT or
    AMBIGUOUS_REPORT.
    """

    def fold(pairs: list[tuple[str, Any]]) -> Tree:
        return _folded(pairs, notes)

    tree = parse_report(document, notes=notes, fold=fold)
    if not isinstance(tree, dict):
        raise Rejected(Reason.NO_REPORT_CONTENT, "no JSON object")
    return tree


def _folded(pairs: list[tuple[str, Any]], notes: Notes) -> Tree:
    tree: Tree = {}
    for key, value in pairs:
        folded = key.strip().lower().replace("_", "-")
        if folded != key:
            notes.add(Repair.ELEMENT_NAME_CASE)
        if folded not in tree:
            tree[folded] = value
            continue
        if folded in DECISIVE and tree[folded] != value:
            raise Rejected(Reason.AMBIGUOUS_REPORT, f"two different {folded}")
        notes.add(Repair.REPEATED_ELEMENT)
    return tree
