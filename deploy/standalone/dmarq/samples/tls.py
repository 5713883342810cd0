"""A sample SMTP TLS report (RFC 8460) and its mail."""

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from dmarq.samples.content import DOMAINS, OLDEST_DAYS
from dmarq.samples.reporters import Reporter
from dmarq.samples.wrap import attachment, mail, multipart, text


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSample:
    """A TLS report with one policy. `sessions` counts the good and the failed ones."""

    raw: bytes
    received: datetime
    sessions: int


def random_tls_mail(rng: Random, *, reporter: Reporter, serial: int, until: date) -> TlsSample:
    """A mail with a TLS report of one day of the weeks before `until`."""
    domain = rng.choice(DOMAINS)
    begin = datetime.combine(until - timedelta(days=rng.randint(2, OLDEST_DAYS)), time(), UTC)
    end = begin + timedelta(seconds=86_399)
    good, failed = rng.randint(5, 400), rng.randint(0, 3)
    report_id = f"{begin:%Y-%m-%dT%H:%M:%SZ}_{domain}_{serial}"
    report = {
        "organization-name": reporter.org_name,
        "date-range": {"start-datetime": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "end-datetime": f"{end:%Y-%m-%dT%H:%M:%SZ}"},
        "contact-info": f"tls-reports@{reporter.domain}",
        "report-id": report_id,
        "policies": [_policy(domain, good=good, failed=failed)],
    }
    packed = gzip.compress(json.dumps(report, indent=2).encode(), mtime=0)
    name = f"{reporter.domain}!{domain}!{int(begin.timestamp())}!{int(end.timestamp())}!{serial}.json.gz"
    received = end + timedelta(seconds=rng.randint(60, 40_000))
    raw = mail(
        multipart(
            "report; report-type=tlsrpt",
            text("This is an aggregate TLS report."),
            attachment(packed, name=name, content_type="application/tlsrpt+gzip"),
        ),
        sender=f"tls-reports@{reporter.domain}",
        subject=f"Report Domain: {domain} Submitter: {reporter.domain} Report-ID: <{report_id}>",
        received=received,
        serial=serial,
        more=f"TLS-Report-Domain: {domain}\r\nTLS-Report-Submitter: {reporter.domain}\r\n",
    )
    return TlsSample(raw=raw, received=received, sessions=good + failed)


def _policy(domain: str, *, good: int, failed: int) -> dict[str, object]:
    failures = [
        {
            "result-type": "certificate-expired",
            "sending-mta-ip": "198.51.100.7",
            "receiving-mx-hostname": f"mx.{domain}",
            "failed-session-count": failed,
        }
    ]
    return {
        "policy": {
            "policy-type": "sts",
            "policy-string": ["version: STSv1", "mode: enforce", f"mx: mx.{domain}", "max_age: 604800"],
            "policy-domain": domain,
            "mx-host": [f"mx.{domain}"],
        },
        "summary": {"total-successful-session-count": good, "total-failure-session-count": failed},
        "failure-details": failures if failed else [],
    }
