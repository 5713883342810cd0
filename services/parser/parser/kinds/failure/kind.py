"""Failure reports as a kind: all that only they have is a row of one table."""

import re

from parser.kinds.failure.reader import read_failure
from parser.kinds.kind import Kind, Row
from parser.kinds.values import bigint
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import FailureReport, ReportHeader, ReportKind

_HEADER = frozenset(ReportHeader.model_fields)
_FIRST_FIELD = r"^(?:Feedback-Type|User-Agent|Version)[ \t]{0,5}:[^\r\n]{0,998}\r?\n(?:[^\r\n]{1,998}\r?\n){0,40}?"


def _field(name: str) -> re.Pattern[str]:
    """A field among those of the machine-readable part."""
    return re.compile(rf"{_FIRST_FIELD}{name}[ \t]{{0,5}}:[ \t]{{0,5}}([^\r\n]{{1,500}})", re.IGNORECASE | re.MULTILINE)


def _rows(number: int, report: FailureReport) -> list[Row]:
    row = {
        "report": number,
        **report.model_dump(mode="json", exclude=set(_HEADER)),
        "incidents": bigint(report.incidents),
        "source_port": None if report.source_port is None else bigint(report.source_port),
    }
    return [row]


FAILURE = Kind(
    package=__package__,
    kind=ReportKind.FAILURE,
    format=DocumentFormat.ARF,
    reader=lambda: read_failure,
    details={"failure_report": _rows},
    shown={
        "report_id": re.compile(r"^Message-ID[ \t]{0,5}:\s{0,5}<?([^\s<>]{1,500})", re.IGNORECASE | re.MULTILINE),
        "domain": _field("Reported-Domain"),
        "begin": _field("Arrival-Date"),
    },
)
