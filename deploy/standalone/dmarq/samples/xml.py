"""A sample report as XML, in the dialect of its reporter (RFC 7489 appendix C, RFC 9990)."""

import re

from dmarq.samples.content import SampleReport, SampleRow
from dmarq.samples.reporters import Dialect

BETWEEN_TAGS = re.compile(r">\s+<")
# RFC 9990 dropped the reason "forwarded".
OVERRIDES_9990 = {"forwarded": "trusted_forwarder"}


def to_xml(report: SampleReport) -> bytes:
    """The report file, UTF-8."""
    dialect = report.reporter.dialect
    text = _rfc9990(report) if dialect is Dialect.RFC9990 else _rfc7489(report)
    return (BETWEEN_TAGS.sub("><", text) if dialect is Dialect.COMPACT else text).encode()


def _rfc7489(report: SampleReport) -> str:
    rows = "".join(_row(row, report, override=row.override) for row in report.rows)
    return f"""<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <version>1.0</version>
{_metadata(report)}  <policy_published>
    <domain>{report.domain}</domain>
    <adkim>r</adkim>
    <aspf>r</aspf>
    <p>{report.policy}</p>
    <sp>{report.policy}</sp>
    <pct>100</pct>
  </policy_published>
{rows}</feedback>
"""


def _rfc9990(report: SampleReport) -> str:
    rows = "".join(_row(row, report, override=OVERRIDES_9990.get(row.override or "")) for row in report.rows)
    generator = "    <generator>sample generator</generator>\n"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
{_metadata(report, more=generator)}  <policy_published>
    <discovery_method>treewalk</discovery_method>
    <domain>{report.domain}</domain>
    <p>{report.policy}</p>
    <sp>{report.policy}</sp>
    <np>reject</np>
    <adkim>r</adkim>
    <aspf>r</aspf>
    <testing>n</testing>
  </policy_published>
{rows}</feedback>
"""


def _metadata(report: SampleReport, *, more: str = "") -> str:
    return f"""  <report_metadata>
    <org_name>{report.reporter.org_name}</org_name>
    <email>{report.reporter.address}</email>
    <report_id>{report.report_id}</report_id>
    <date_range>
      <begin>{report.begin}</begin>
      <end>{report.end}</end>
    </date_range>
{more}  </report_metadata>
"""


def _row(row: SampleRow, report: SampleReport, *, override: str | None) -> str:
    spf, dkim = _word(row.spf), _word(row.dkim)
    reason = f"\n        <reason>\n          <type>{override}</type>\n        </reason>" if override else ""
    signer = report.domain if row.dkim else row.service or row.envelope_from
    signed, sent = (_word(True), _word(True)) if row.service else (dkim, spf)  # by the service's own domain
    return f"""  <record>
    <row>
      <source_ip>{row.source_ip}</source_ip>
      <count>{row.sent}</count>
      <policy_evaluated>
        <disposition>{row.disposition}</disposition>
        <dkim>{dkim}</dkim>
        <spf>{spf}</spf>{reason}
      </policy_evaluated>
    </row>
    <identifiers>
      <header_from>{report.domain}</header_from>
      <envelope_from>{row.envelope_from}</envelope_from>
    </identifiers>
    <auth_results>
      <dkim>
        <domain>{signer}</domain>
        <selector>s1</selector>
        <result>{signed}</result>
      </dkim>
      <spf>
        <domain>{row.envelope_from}</domain>
        <result>{sent}</result>
      </spf>
    </auth_results>
  </record>
"""


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"
