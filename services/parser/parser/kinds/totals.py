"""A report's mails by what became of them: added up once, so that overviews need not read the rows."""

from dataclasses import dataclass

from parser.kinds.reading import Reading
from pipeline.contracts.report import AggregateReport, TlsReport


@dataclass(frozen=True, slots=True)
class Totals:
    """Mails that passed (DKIM or SPF aligned; sessions that succeeded), were quarantined, were rejected."""

    passed: int = 0
    quarantined: int = 0
    rejected: int = 0


def totals_of(reading: Reading) -> Totals:
    """The totals of a report of any kind; a failure report has none."""
    if isinstance(reading.report, TlsReport):
        return Totals(passed=sum(policy.successful_sessions for policy in reading.report.policies))
    if not isinstance(reading.report, AggregateReport):
        return Totals()
    passed = quarantined = rejected = 0
    for row in reading.rows:
        if row.dkim == "pass" or row.spf == "pass":
            passed += row.count
        if row.disposition == "quarantine":
            quarantined += row.count
        elif row.disposition == "reject":
            rejected += row.count
    return Totals(passed, quarantined, rejected)
