"""`dmarq import` finds in a file what `dmarq parse` finds in it, and refuses it for the same reason."""

import gzip
from datetime import UTC, datetime
from io import BytesIO

import pytest

from config_api.system.importing import handling, looks_like_mail, ref_of, wrapped
from dmarq.parsing import parse_file
from extractor.handler import extracted
from parser.documents import ReadMail, ReadOptions, read_mails
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import LineOutcome
from pipeline.contracts.mail_events import MailExtracted, MailFetched
from pipeline.contracts.wire import Envelope, Parcel
from tests.support.mails import REPORT_NAME, aggregate_xml, failure_mail, mail, part, text, tls_json

XML = aggregate_xml()
GZ = gzip.compress(XML, mtime=0)
TRUNCATED = "truncated_container"

Outcome = tuple[str, str]


def parsed(data: bytes, name: str) -> list[Outcome]:
    """Outcome and reason of each line."""
    lines = parse_file(data, file=name, limits=Limits(), is_full=False)
    return [("read" if line["reason"] is None else line["outcome"], line["reason"] or "") for line in lines]


def imported(data: bytes, name: str) -> list[Outcome]:
    """The same by the way of an import: wrapped where it is no mail, extracted and read."""
    file = BytesIO(data)
    sent = data
    if not looks_like_mail(data[:1024], name=name):
        with wrapped(file, name=name) as mail_round_it:
            mail_round_it.seek(0)
            sent = mail_round_it.read()
    now = datetime.now(UTC)
    event = MailFetched(mail=ref_of(b"\0" * 32), handling=handling(Limits()), size=len(sent), fetched_at=now)
    found = extracted(Envelope(event, (Parcel.of(sent),)), Limits())
    assert isinstance(found.event, MailExtracted)
    refused = [("refused", str(line.reason)) for line in found.event.lines if line.outcome is LineOutcome.REFUSED]
    [read] = read_mails([found], ReadOptions())
    assert isinstance(read, ReadMail)
    told = [("refused", str(one.refusal.reason)) if one.refusal else ("read", "") for one in read.documents]
    read.close()
    return told + refused or [("not_a_report", "no_report_found")]


@pytest.mark.parametrize(
    ("data", "name", "outcome"),
    [
        (XML, REPORT_NAME, ("read", "")),
        (GZ, "r.xml.gz", ("read", "")),
        (tls_json(), "r.json", ("read", "")),
        (failure_mail(), "a.eml", ("read", "")),
        (mail(text(), part(GZ, name="r.xml.gz")), "a.eml", ("read", "")),
        (b"Subject: lunch?\r\n\r\nAt noon.\r\n", "letter.eml", ("not_a_report", "no_report_found")),
        (b"Subject: lunch?\r\nTo: you\r\n\r\nAt noon.\r\n", "mail", ("not_a_report", "no_report_found")),
        (b"Subject: lunch?\nPlace: here\n", "notes.txt", ("refused", "no_report_content")),
        (GZ[:-30], "r.xml.gz", ("refused", TRUNCATED)),
        (GZ[:20] + b"zzzz" + GZ[24:], "backup.gz", ("refused", "corrupt_container")),
        (b"hello\n", "r.xml", ("refused", "no_report_content")),
        (b"hello: you\n", "notes.txt", ("refused", "no_report_content")),
        (b"<html><body>no</body></html>", "r.xml", ("refused", "no_report_content")),
        (b"<invoice/>", "i.xml", ("refused", "no_report_content")),
        (b"\x00\x01\x02", "r.xml.gz", ("refused", "not_understood")),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "a.7z", ("refused", "unsupported_container")),
        (XML[:-150], "r.xml", ("refused", "records_lost")),
        (mail(text("hello"), subject="hi"), "a.eml", ("not_a_report", "no_report_found")),
        (mail(text("hello"), subject="hi").decode().encode("utf-16"), "a.eml", ("not_a_report", "no_report_found")),
        (mail(part(GZ, name="r.gz")).decode().encode("utf-16"), "a.eml", ("read", "")),
        (b"+OK\r\n" + mail(part(GZ, name="r.gz")), "a.eml", ("read", "")),
    ],
)
def test_a_file_meets_the_same_end_both_ways(data: bytes, name: str, outcome: Outcome) -> None:
    assert parsed(data, name) == imported(data, name) == [outcome]
