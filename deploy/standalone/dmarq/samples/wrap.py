"""A sample report in its mail, wrapped as its reporter does it."""

import gzip
import io
import zipfile

from dmarq.samples.content import SampleReport
from dmarq.samples.mime import attachment, mail, multipart, text
from dmarq.samples.reporters import Wrapping
from dmarq.samples.xml import to_xml

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
