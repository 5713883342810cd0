"""The line of `dmarq parse`, and a report as JSON: one form for the command, the bus and the API."""

from itertools import islice

from parser.kinds import values
from parser.kinds.reading import Reading
from parser.kinds.registry import kind_of
from parser.kinds.rows import Json, row_as_json
from pipeline.contracts.reasons import Reason
from pipeline.contracts.report import Report
from pipeline.errors import Rejected

_IDENTITY = ("kind", "org_name", "report_id", "domain", "begin", "end", "records", "messages")
MAX_DETAIL_BYTES = 500
_PASSED_OVER = frozenset({Reason.NO_REPORT_FOUND})


def line_of_reading(
    reading: Reading, *, file: str, part: str, repairs: tuple[str, ...] = (), is_full: bool = False
) -> Json:
    """The line for a report that was read; `repairs` are those that the extractor made before. `file` and `part`
    say where the document was found.
    """
    report = reading.report
    repaired = list(dict.fromkeys((*repairs, *report.repairs)))
    line: Json = {"file": file, "part": part, "outcome": "repaired" if repaired else "valid"}
    line |= {"reason": None, "detail": ""}
    line |= report.model_dump(mode="json", include=set(_IDENTITY))
    line["repairs"] = repaired
    line["details"] = [change._asdict() for change in reading.changes]
    if is_full:
        line["report"] = as_json(reading)
    return line


def line_of_rejection(rejected: Rejected, *, file: str, part: str, repairs: tuple[str, ...] = ()) -> Json:
    """The line for what could not be read."""
    outcome = "not_a_report" if rejected.reason in _PASSED_OVER else "refused"
    line: Json = {"file": file, "part": part, "outcome": outcome, "reason": str(rejected.reason)}
    line["detail"] = values.cut(values.plain(rejected.detail or rejected.reason.text), max_bytes=MAX_DETAIL_BYTES)
    line |= dict.fromkeys(_IDENTITY) | {"repairs": list(repairs), "details": []}
    if rejected.salvaged:
        line["salvaged"] = rejected.salvaged
    return line


def as_json(reading: Reading, *, max_rows: int | None = None) -> Json:
    """The whole report as plain JSON values: the header's fields, and `rows` where its kind has them.

    With `max_rows` no more rows than that are given, and `rows_left_out` says how many are missing.
    """
    whole = header_as_json(reading.report)
    if kind_of(reading.report).has_rows:
        whole["rows"] = [row_as_json(row) for row in islice(reading.rows, max_rows)]
        whole["rows_left_out"] = len(reading.rows) - len(whole["rows"])
    return whole


def header_as_json(report: Report) -> Json:
    """The header of a report; for TLS and failure reports that is all there is."""
    return report.model_dump(mode="json")
