"""Many report mails: the corpus' real reports where it is there, generated ones of the same sizes if not."""

import gzip
import os
from base64 import encodebytes
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from zipfile import ZipFile

from dmarq.samples import SampleKind, make_mails


def corpus() -> Path:
    """Where the corpus is: DMARQ_CORPUS, else ../shared/corpus beside the project. It may not exist."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "corpus"
    return Path(os.environ.get("DMARQ_CORPUS", beside))


def real_reports() -> list[bytes]:
    """The XML of the corpus' bulk of real reports; empty where the corpus is not there."""
    path = corpus() / "bulk.zip"
    if not path.is_file():
        return []
    with ZipFile(path) as archive:
        return [archive.read(name) for name in sorted(archive.namelist())]


def real_mails() -> list[bytes]:
    """One mail for each real report, as they are: damaged ones and duplicates too."""
    return [as_mail(xml, number) for number, xml in enumerate(real_reports())]


def many_mails(number: int, *, seed: int = 1) -> Iterator[bytes]:
    """`number` report mails with different report ids: real reports over and over, or generated ones."""
    reports = real_reports()
    if not reports:
        plain = (mail.raw for mail in make_mails(number * 2, seed) if mail.kind is SampleKind.REPORT)
        yield from (raw for raw, _ in zip(plain, range(number), strict=False))
        return
    serials = count()
    while True:
        for xml in reports:
            serial = next(serials)
            if serial == number:
                return
            yield as_mail(_renamed(xml, serial), serial)


def as_mail(xml: bytes, serial: int) -> bytes:
    """The report as a gzip attachment of a mail, as most reporters send it."""
    packed = encodebytes(gzip.compress(xml, 6, mtime=0)).replace(b"\n", b"\r\n")
    return _MAIL % (serial, serial, packed)


def _renamed(xml: bytes, serial: int) -> bytes:
    round_number = b"r%d-" % serial
    return xml.replace(b"<report_id>", b"<report_id>" + round_number, 1)


_MAIL = b"""\
From: DMARC reporter <noreply@reporter.example>\r
To: dmarc@example.com\r
Subject: Report domain: example.com Submitter: reporter.example Report-ID: %d\r
Date: Mon, 02 Nov 2026 00:10:00 +0000\r
Message-ID: <%d@reporter.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="report-mail"\r
\r
--report-mail\r
Content-Type: text/plain; charset=us-ascii\r
\r
This is an aggregate report.\r
--report-mail\r
Content-Type: application/gzip; name="reporter.example!example.com!1761955200!1762041599.xml.gz"\r
Content-Transfer-Encoding: base64\r
Content-Disposition: attachment; filename="reporter.example!example.com!1761955200!1762041599.xml.gz"\r
\r
%s--report-mail--\r
"""
