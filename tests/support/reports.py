"""Reports of our own making, and the shortest way to read one."""

import gzip
import json
from typing import Any

from parser.kinds.reading import Hints
from parser.kinds.registry import read
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import AggregateReport, Record, TlsReport

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
BEGIN, END = 1_700_000_000, 1_700_086_399

METADATA = f"""<report_metadata><org_name>Example Receiver</org_name><email>dmarc@receiver.example</email>
<extra_contact_info>https://receiver.example/help</extra_contact_info><report_id>r-1</report_id>
<date_range><begin>{BEGIN}</begin><end>{END}</end></date_range></report_metadata>"""

POLICY = """<policy_published><domain>example.com</domain><adkim>r</adkim><aspf>s</aspf><p>reject</p><sp>none</sp>
<pct>100</pct><fo>1</fo></policy_published>"""

RECORD = """<record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated>
<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>
<identifiers><header_from>example.com</header_from></identifiers>
<auth_results><dkim><domain>example.com</domain><selector>s1</selector><result>pass</result></dkim>
<spf><domain>bounce.example.com</domain><scope>mfrom</scope><result>softfail</result></spf></auth_results></record>"""


def report_xml(*, metadata: str = METADATA, policy: str = POLICY, records: str = RECORD) -> str:
    """A valid aggregate report, or one with other sections."""
    return f"{DECLARATION}<feedback><version>1.0</version>{metadata}{policy}{records}</feedback>"


def changed(old: str, new: str) -> str:
    """The valid report with one text replaced; fails when the text is not there."""
    whole = report_xml()
    assert old in whole
    return whole.replace(old, new, 1)


def read_xml(
    document: str | bytes, *, hints: Hints | None = None, limits: Limits | None = None
) -> tuple[AggregateReport, list[Record]]:
    """What an aggregate report says: header and rows."""
    data = document.encode() if isinstance(document, str) else document
    options: dict[str, Any] = {"hints": hints or Hints(), "limits": limits or Limits()}
    with read(gzip.compress(data), format=DocumentFormat.XML, **options) as reading:
        assert isinstance(reading.report, AggregateReport)
        return reading.report, list(reading.rows)


def tls_tree() -> dict[str, Any]:
    """A valid TLS report, to be changed."""
    return {
        "organization-name": "Example Receiver",
        "date-range": {"start-datetime": "2026-01-02T00:00:00Z", "end-datetime": "2026-01-02T23:59:59Z"},
        "contact-info": "tls@receiver.example",
        "report-id": "2026-01-02T00:00:00Z_example.com",
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-string": ["version: STSv1", "mode: enforce"],
                    "policy-domain": "example.com",
                    "mx-host": ["mx.example.com"],
                },
                "summary": {"total-successful-session-count": 7, "total-failure-session-count": 2},
                "failure-details": [
                    {
                        "result-type": "certificate-expired",
                        "sending-mta-ip": "192.0.2.9",
                        "receiving-mx-hostname": "mx.example.com",
                        "failed-session-count": 2,
                        "additional-information": "https://receiver.example/tls",
                        "failure-reason-code": "X509",
                    }
                ],
            }
        ],
    }


def read_tls(document: object, *, hints: Hints | None = None) -> TlsReport:
    """What a TLS report says; `document` is JSON as bytes, or what is to become JSON."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with read(gzip.compress(data), format=DocumentFormat.JSON, hints=hints or Hints()) as reading:
        assert isinstance(reading.report, TlsReport)
        return reading.report
