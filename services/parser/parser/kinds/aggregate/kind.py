"""Aggregate reports as a kind: the only one with rows, and with columns of its own in the table of reports."""

import re

from parser.kinds.aggregate.reader import AggregateReader
from parser.kinds.kind import Kind, Row, Totals
from parser.kinds.rows import RowSpool
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import AggregateReport, ReportKind

_OWN = frozenset({"email", "extra_contact_info", "generator", "version", "namespace", "errors", "extensions"})
_POLICY = frozenset({"p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method"})


_PREFIX = r"(?:[\w.\-]{1,40}:)?"
# What stands in the policy beside its domain: what comes behind its end, or in a record, is another's domain.
_BESIDE = rf"(?:(?!</?{_PREFIX}(?:policy_published|record|auth_results|report_metadata)\b).){{0,500}}?"


def _element(name: str, *, within: str = "") -> re.Pattern[str]:
    outer = rf"{within}\b[^<>]{{0,200}}>{_BESIDE}<{_PREFIX}" if within else ""
    return re.compile(rf"<{_PREFIX}{outer}{name}\s{{0,20}}>([^<>]{{1,500}})<", re.IGNORECASE | re.DOTALL)


def _totals(_: AggregateReport, rows: RowSpool) -> Totals:
    passed = quarantined = rejected = 0
    for row in rows:
        if row.dkim == "pass" or row.spf == "pass":
            passed += row.count
        if row.disposition == "quarantine":
            quarantined += row.count
        elif row.disposition == "reject":
            rejected += row.count
    return Totals(passed, quarantined, rejected)


def _columns(report: AggregateReport) -> Row:
    own = {name: getattr(report, name) for name in _OWN}
    return own | {name: getattr(report.policy, name) for name in _POLICY}


AGGREGATE = Kind(
    package=__package__,
    kind=ReportKind.AGGREGATE,
    format=DocumentFormat.XML,
    reader=lambda: AggregateReader().read,  # keeps what it learns of the shapes of records, from report to report
    has_rows=True,
    totals=_totals,
    columns=_columns,
    shown={
        "org_name": _element("org_name"),
        "report_id": _element("report_id"),
        "domain": _element("domain", within="policy_published"),
        "begin": _element("begin"),
        "end": _element("end"),
    },
    record_end=re.compile(rb"</(?:[\w.\-]{1,40}:)?record\s{0,10}>", re.IGNORECASE),
)
