"""SMTP TLS reports as a kind: their totals, and their policies and failure details as rows of two tables."""

import re

from parser.kinds.kind import Kind, Row, Totals
from parser.kinds.rows import RowSpool
from parser.kinds.tls.reader import read_tls
from parser.kinds.values import bigint
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import ReportKind, TlsReport


def _member(name: str) -> re.Pattern[str]:
    return re.compile(rf'"{name}"\s{{0,20}}:\s{{0,20}}"([^"\\]{{1,500}})"')


def _totals(report: TlsReport, _: RowSpool) -> Totals:
    """Sessions that succeeded count as passed."""
    return Totals(passed=sum(policy.successful_sessions for policy in report.policies))


def _policies(number: int, report: TlsReport) -> list[Row]:
    return [
        {
            "report": number,
            "position": position,
            **policy.model_dump(mode="json", exclude={"failures"}),
            "successful_sessions": bigint(policy.successful_sessions),
            "failed_sessions": bigint(policy.failed_sessions),
        }
        for position, policy in enumerate(report.policies)
    ]


def _failures(number: int, report: TlsReport) -> list[Row]:
    return [
        {
            "report": number,
            "policy": at,
            "position": position,
            **failure.model_dump(mode="json"),
            "failed_session_count": bigint(failure.failed_session_count),
        }
        for at, policy in enumerate(report.policies)
        for position, failure in enumerate(policy.failures)
    ]


TLS = Kind(
    package=__package__,
    kind=ReportKind.TLS,
    format=DocumentFormat.JSON,
    reader=lambda: read_tls,
    totals=_totals,
    details={"tls_policy": _policies, "tls_failure": _failures},
    shown={
        "org_name": _member("organization-name"),
        "report_id": _member("report-id"),
        "domain": _member("policy-domain"),
        "begin": _member("start-datetime"),
        "end": _member("end-datetime"),
    },
)
