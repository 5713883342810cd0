"""A sample report in its mail, wrapped as its reporter does it: an aggregate report, or one of SMTP TLS (RFC 8460)."""

import base64
import gzip
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from random import Random

from dmarq.samples.content import DOMAINS, OLDEST_DAYS, SampleReport
from dmarq.samples.reporters import Reporter, Wrapping
from dmarq.samples.xml import to_xml

RECIPIENT = "dmarc-reports@example.com"
CRLF = "\r\n"


def mail(entity: bytes, *, sender: str, subject: str, received: datetime, serial: int, more: str = "") -> bytes:
    """A mail with this content. `entity` starts with its own MIME header, `more` is further header lines."""
    header = (
        f"From: {sender}\r\nTo: {RECIPIENT}\r\nSubject: {_folded(subject)}\r\nDate: {format_datetime(received)}\r\n"
        f"Message-ID: <{serial}.{int(received.timestamp())}.{sender}>\r\n{more}MIME-Version: 1.0\r\n"
    )
    return header.encode() + entity


def multipart(subtype: str, *parts: bytes) -> bytes:
    """`subtype` may carry parameters: "report; report-type=tlsrpt"."""
    boundary = "=_" + hashlib.sha256(b"".join(parts)).hexdigest()[:24]
    header = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    delimiter = f"--{boundary}".encode()
    inner = b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts)
    return header + inner + delimiter + b"--\r\n"


def text(content: str, *, subtype: str = "plain") -> bytes:
    """A text part."""
    return f"Content-Type: text/{subtype}; charset=us-ascii\r\n\r\n{content}\r\n".encode()


def attachment(data: bytes, *, name: str, content_type: str, disposition: str = "attachment") -> bytes:
    """A base64 part with a file name; also the whole content of a mail that is nothing but its attachment."""
    header = (
        f'Content-Type: {content_type};\r\n name="{name}"\r\n'
        f'Content-Disposition: {disposition};\r\n filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return header.encode() + base64.encodebytes(data).replace(b"\n", b"\r\n")


def _folded(subject: str) -> str:
    """Broken before "Report-ID", as many senders do: the whole is longer than 78 columns."""
    return subject.replace(" Report-ID", "\r\n Report-ID")


ZIP_DATE = (2026, 1, 1, 0, 0, 0)  # any, but always the same
NOTE = "This is an aggregate report."


def zipped(*files: tuple[str, bytes]) -> bytes:
    """A zip archive with these (name, content)."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def gzipped(content: bytes) -> bytes:
    """A gzip of one member."""
    return gzip.compress(content, mtime=0)


def report_mail(report: SampleReport, *, serial: int) -> bytes:
    """The mail that brings this report."""
    return addressed(_entity(report), report, serial=serial)


def addressed(entity: bytes, report: SampleReport, *, serial: int) -> bytes:
    """A mail from this report's sender, with its subject, that holds `entity`."""
    reporter = report.reporter
    subject = reporter.subject.format(domain=report.domain, submitter=reporter.domain, report_id=report.report_id)
    return mail(entity, sender=reporter.address, subject=subject, received=report.received, serial=serial)


def gzip_part(
    report: SampleReport, *, content_type: str = "application/gzip", disposition: str = "attachment"
) -> bytes:
    """The report as a gzip attachment."""
    packed = gzipped(to_xml(report))
    return attachment(packed, name=f"{report.stem}.xml.gz", content_type=content_type, disposition=disposition)


def _entity(report: SampleReport) -> bytes:
    match report.reporter.wrapping:
        case Wrapping.BARE_ZIP:
            packed = zipped((f"{report.stem}.xml", to_xml(report)))
            return attachment(packed, name=f"{report.stem}.zip", content_type="application/zip")
        case Wrapping.RELATED_GZIP:
            body = multipart("alternative", text(NOTE), text(f"<p>{NOTE}</p>", subtype="html"))
            return multipart("mixed", multipart("related", body), gzip_part(report))
        case Wrapping.MIXED_GZIP:
            return multipart("mixed", text(NOTE), gzip_part(report))
        case Wrapping.PLAIN_XML:
            xml = attachment(to_xml(report), name=f"{report.stem}.xml", content_type="text/xml")
            return multipart("mixed", text(NOTE), xml)
        case Wrapping.INLINE_GZIP:
            return multipart("mixed", text(NOTE), gzip_part(report, disposition="inline"))
        case Wrapping.OCTET_STREAM:
            return multipart("mixed", text(NOTE), gzip_part(report, content_type="application/octet-stream"))


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
