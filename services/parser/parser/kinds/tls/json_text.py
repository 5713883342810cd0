"""JSON as it arrives: made strict again where that loses nothing, and taken apart where it is several reports.

What mail does to a text is put right (NUL, byte order marks, a footer, a line break inside of a word), and a comma too
many. Single quotes, comments and missing commas are no JSON, and are not guessed at.

What is JSON becomes a tree: bounded in size, in the number of values and in depth, its keys folded.
"""

import json
import re
from typing import Any, Final

from parser.kinds.notes import Notes
from parser.kinds.several import MAX_REPORTS, SeveralReports
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected

MAX_VALUES: Final = 400_000  # each may take 100 bytes of memory

_REPORT_KEY: Final = r'"\s*(?:organi[sz]ation[-_]name|report[-_]id|policies|date[-_]range)\s*"\s*:'
_LOOKS_LIKE_A_REPORT: Final = re.compile(_REPORT_KEY, re.IGNORECASE)
_BEGINS: Final = re.compile(r'\[\s*\{\s*"|\{\s*"')
_ODD_SPACE: Final = "\u00a0\u2000-\u200b\u3000\ufeff"  # what is white space for people and not for JSON
_STRING: Final = r'"(?:[^"\\]|\\.)*+"'
_STRING_OR_COMMA: Final = re.compile(rf"({_STRING})|,(?=\s*[}}\]])|[{_ODD_SPACE}]+", re.DOTALL)
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BREAK: Final = re.compile(r"[ \t]?\r?\n[ \t]?")
_KEYWORD: Final = re.compile(r'"?\w{1,100}:')  # of a policy's line: "mx: mail.example.com"
_BETWEEN: Final = re.compile(r"[\s,;]*")


def parse_report(document: bytes, *, notes: Notes, fold: Any) -> Any:
    """The value that the document holds; `fold` makes an object of its pairs.

    Raises SeveralReports, and Rejected: EMPTY_DOCUMENT, SECTION_TOO_LARGE, NOT_WELL_FORMED or NO_REPORT_CONTENT.
    """
    if not document.strip(b" \t\r\n\0"):
        raise Rejected(Reason.EMPTY_DOCUMENT)
    if sum(document.count(mark) for mark in (b",", b"{", b"[")) > MAX_VALUES:
        raise Rejected(Reason.SECTION_TOO_LARGE, f"more than {MAX_VALUES} values")
    text = _decoded(document, notes)
    try:
        try:
            tree = _loaded(text, fold)
        except ValueError:
            tree = _loaded(_repaired(text, notes), fold, is_strict=False)
    except (ValueError, RecursionError) as error:
        is_report = _LOOKS_LIKE_A_REPORT.search(text) is not None
        reason = Reason.NOT_WELL_FORMED if is_report else Reason.NO_REPORT_CONTENT
        raise Rejected(reason, str(error)[:100]) from error
    if isinstance(tree, list):
        return _only(tree, text, notes)
    return tree


def _loaded(text: str, fold: Any, *, is_strict: bool = True) -> Any:
    """`is_strict`: a text holds no tab."""
    return json.loads(text, object_pairs_hook=fold, parse_constant=_refuse_constant, strict=is_strict)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _decoded(document: bytes, notes: Notes) -> str:
    try:
        text = document.decode(json.detect_encoding(document))
    except UnicodeError:
        notes.add(Repair.RE_ENCODED)
        text = document.decode("cp1252", errors="replace")
    bare = text.lstrip("\ufeff")
    if len(text) - len(bare) > 1 or (text is not bare and document.startswith(b"\xef\xbb\xbf" * 2)):
        notes.add(Repair.LEADING_JUNK)
    return bare


def _repaired(text: str, notes: Notes) -> str:
    """The text as JSON. Raises SeveralReports where it holds more than one report, ValueError where it is damaged."""
    clean = _FORBIDDEN.sub("", text)
    if clean != text:
        notes.add(Repair.CONTROL_CHARACTERS)
    begin = _BEGINS.search(clean)
    if begin is None or _LOOKS_LIKE_A_REPORT.search(clean, 0, begin.start()):
        return clean  # it has begun before, with something that is no JSON
    if clean[: begin.start()].strip():
        notes.add(Repair.LEADING_JUNK)
    strict = _STRING_OR_COMMA.sub(lambda found: _put_right(found, notes), clean[begin.start() :])
    end = _end_of_value(strict, 0)
    rest = strict[end:]
    if _LOOKS_LIKE_A_REPORT.search(rest):
        raise SeveralReports(_reports(strict), notes.repairs)
    if rest.strip():
        notes.add(Repair.TRAILING_JUNK)
    return strict[:end]


def _put_right(found: re.Match[str], notes: Notes) -> str:
    string = found[1]
    if string is None:
        notes.add(Repair.TRAILING_COMMA if found[0] == "," else Repair.CONTROL_CHARACTERS)
        return "" if found[0] == "," else " "
    if "\t" in string:
        notes.add(Repair.CONTROL_CHARACTERS)
    if "\n" not in string:
        return string
    notes.add(Repair.WRAPPED_LINE)
    is_prose = {kind: " " in string.replace(kind, "") for kind in set(_BREAK.findall(string))}  # of 18 kinds
    return _BREAK.sub(lambda broken: _unwrapped(broken, is_prose=is_prose[broken[0]]), string)


def _unwrapped(broken: re.Match[str], *, is_prose: bool) -> str:
    """What stood where a line was broken: a blank where there are blanks on both sides or between words, else nothing.

    Whether a lone blank after the break was put in with it, only the text round it tells: names, dates and addresses
    have none, sentences have others.
    """
    found = broken[0]
    if found[:1] in " \t" and found[-1:] in " \t":
        return " "
    if found[:1] not in " \t" and found[-1:] not in " \t":
        return ""
    if found[:1] in " \t":
        return " "
    return " " if is_prose or _KEYWORD.fullmatch(broken.string, 0, broken.start()) else ""


def _end_of_value(text: str, start: int) -> int:
    """Where the JSON value that begins at `start` ends. Raises ValueError."""
    return json.JSONDecoder(strict=False).raw_decode(text, start)[1]


def _reports(text: str) -> list[str]:
    """The reports of a list, or those that stand one behind the other; what cannot be read is one text, to be refused.

    So is what comes behind `MAX_REPORTS` of them.
    """
    texts: list[str] = []
    position = _skipped(text, 1 if text.startswith("[") else 0)
    while position < len(text) and text[position] != "]" and len(texts) <= MAX_REPORTS:
        try:
            end = _end_of_value(text, position)
        except (ValueError, RecursionError):
            end = len(text)
        texts.append(text[position:end])
        position = _skipped(text, end)
    return [one for one in texts if _LOOKS_LIKE_A_REPORT.search(one)]


def _skipped(text: str, position: int) -> int:
    found = _BETWEEN.match(text, position)
    return found.end() if found else position


def _only(listed: list[Any], text: str, notes: Notes) -> Any:
    """The one report of a list. Raises SeveralReports, and Rejected where the list holds none."""
    if len(listed) == 1:
        notes.add(Repair.LIST_FORM)
        return _only(listed[0], text, notes) if isinstance(listed[0], list) else listed[0]
    if not listed or not all(isinstance(item, dict) for item in listed):
        raise Rejected(Reason.NO_REPORT_CONTENT, "no JSON object")
    reports = _reports(text[text.index("[") :])
    if not reports:
        raise Rejected(Reason.NO_REPORT_CONTENT, "a list of something else")
    raise SeveralReports(reports, notes.repairs)


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
        "policy",
        "policy-domain",
        "summary",
        "failure-details",
        "total-successful-session-count",
        "total-failure-session-count",
        "failed-session-count",
        "sending-mta-ip",
        "receiving-ip",
    }
)

# As RFC 8460 section 4.4 writes them.
_KEYS: Final = DECISIVE | {
    "contact-info",
    "policy-type",
    "policy-string",
    "mx-host",
    "result-type",
    "receiving-mx-hostname",
    "receiving-mx-helo",
    "additional-information",
    "failure-reason-code",
}


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
        folded = key
        if key not in _KEYS:
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
