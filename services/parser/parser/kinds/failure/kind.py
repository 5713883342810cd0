"""Failure reports as a kind: all that only they have is a row of one table."""

from parser.kinds.failure.reader import read_failure
from parser.kinds.kind import Kind, Row
from parser.kinds.values import bigint
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import FailureReport, ReportHeader, ReportKind

_HEADER = frozenset(ReportHeader.model_fields)


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
)
