"""The identity of a report: who says it, under which id, about which domain and period."""

import json
from hashlib import sha256

from pipeline.report import ReportHeader


def identity_of(report: ReportHeader) -> bytes:
    """SHA-256 over (kind, org_name, report_id, domain, begin, end): equal for a report and its corrections."""
    key = [report.kind.value, report.org_name, report.report_id, report.domain, report.begin, report.end]
    return sha256(json.dumps(key).encode()).digest()
