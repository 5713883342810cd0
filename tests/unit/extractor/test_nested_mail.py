"""Reports in forwarded mails, failure reports, bounces, signed and encrypted mail."""

import gzip

import pytest

from pipeline.contracts.mail import DocumentFormat, LineOutcome
from pipeline.contracts.mailbox import AttachmentFormat, AttachmentRules
from pipeline.contracts.reasons import Reason
from tests.support.archives import zip_of
from tests.support.finding import contents, ignored, line_at, refusals, search, search_file
from tests.support.mails import aggregate_xml, failure_mail, mail, part, single, text

XML = aggregate_xml()
GZ = gzip.compress(XML, mtime=0)
REPORT_MAIL = mail(text(), part(GZ, "application/gzip", name="r.xml.gz"), boundary="inner")
PKCS7 = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"  # OID of PKCS #7 but its last arc, in DER

NOTICE = b"""A message claiming to be from you has failed the published DMARC policy for your domain.

  Sender Domain: example.com
  Sender IP Address: 192.0.2.7
  Received Date: Wed, 12 Feb 2025 15:59:59 -0800
  SPF Alignment: no
  DKIM Alignment: no
  DMARC Results: Reject

------ This is a copy of the headers that were received before the error was detected.

From: someone@example.com
Subject: hello
"""


@pytest.mark.parametrize("encoding", ["", "base64"])
def test_a_forwarded_report_mail_is_searched(encoding: str) -> None:
    found = search(mail(text(), part(REPORT_MAIL, "message/rfc822", encoding=encoding), subject="Fwd: see below"))

    assert contents(found) == [XML]
    assert found.documents[0].path == "2/2"
    assert [line.path for line in found.lines] == ["2/2", "2/1", "1"]


@pytest.mark.parametrize("name", ["report.eml", "report.msg", None])
def test_a_mail_attached_as_a_file_is_searched(name: str | None) -> None:
    assert contents(search(mail(text(), part(REPORT_MAIL, name=name), subject="Fwd: see below"))) == [XML]


def test_mails_forwarded_several_times_are_searched() -> None:
    twice = mail(part(REPORT_MAIL, "message/rfc822", encoding=""), boundary="middle")
    found = search(mail(text(), part(twice, "message/rfc822", encoding="")))

    assert contents(found) == [XML]
    assert found.documents[0].path == "2/1/2"


def test_a_mail_in_a_zip_is_searched() -> None:
    found = search(mail(part(zip_of(("forwarded.eml", REPORT_MAIL)), "application/zip")))

    assert contents(found) == [XML]
    assert found.documents[0].path == "1/forwarded.eml/2"


def test_the_subject_of_a_forwarded_mail_counts_too() -> None:
    inner = mail(part(gzip.compress(b"unused"), name="r.gz"), boundary="inner")
    found = search(mail(part(inner, "message/rfc822", encoding=""), subject="Fwd:"))

    assert refusals(found) == [Reason.NO_REPORT_CONTENT]


def test_an_ordinary_forwarded_mail_is_no_report() -> None:
    inner = mail(text(), subject="lunch?", boundary="inner")
    found = search(mail(text(), part(inner, "message/rfc822", encoding=""), subject="Fwd: lunch?"))

    assert (found.documents, refusals(found)) == ((), [])


@pytest.mark.parametrize("encoding", ["", "base64"])
@pytest.mark.parametrize("feedback_type", ["auth-failure", "abuse"])
def test_a_failure_report_is_one_document_the_whole_mail(encoding: str, feedback_type: str) -> None:
    raw = failure_mail(encoding=encoding, feedback_type=feedback_type)
    found = search(raw)

    assert contents(found) == [raw]
    assert (found.documents[0].format, found.documents[0].path) == (DocumentFormat.ARF, "0")


def test_a_feedback_part_makes_a_failure_report_of_any_multipart() -> None:
    raw = failure_mail().replace(b"multipart/report; report-type=feedback-report", b"multipart/mixed")

    assert contents(search(raw)) == [raw]


def test_a_failure_report_without_a_feedback_part_is_known_by_its_type() -> None:
    raw = mail(text(), kind='multipart/report; report-type="feedback-report"', subject="FW: x")

    assert contents(search(raw)) == [raw]


@pytest.mark.parametrize("encoding", ["", "base64"])
def test_a_notice_in_prose_is_a_failure_report(encoding: str) -> None:
    raw = single(part(NOTICE, "text/plain", encoding=encoding), subject="DMARC failure")
    found = search(raw)

    assert contents(found) == [raw]
    assert found.documents[0].format is DocumentFormat.ARF


def test_the_reported_mail_is_a_sample_and_not_searched() -> None:
    found = search(failure_mail(sample=REPORT_MAIL))

    assert [document.format for document in found.documents] == [DocumentFormat.ARF]
    assert line_at(found, "3").detail == "part of the failure report"


def test_a_forwarded_failure_report_is_the_mail_as_it_was_inside() -> None:
    inner = failure_mail().replace(b"=_boundary", b"=_inner")
    found = search(mail(text(), part(inner, "message/rfc822", encoding="base64")))

    assert contents(found) == [inner]
    assert found.documents[0].path == "2"


def test_a_complaint_without_a_feedback_part_is_no_failure_report() -> None:
    inner = mail(text(), subject="hello", boundary="inner")
    found = search(mail(text(), part(inner, "message/rfc822", encoding=""), subject="complaint about message from x"))

    assert (found.documents, refusals(found)) == ((), [])


@pytest.mark.parametrize(
    "bounce",
    [
        {"kind": "multipart/report; report-type=delivery-status"},
        {"kind": "multipart/report; report-type=disposition-notification"},
        {"headers": ("X-Failed-Recipients: rua@example.net",)},
    ],
)
def test_a_report_returned_by_a_bounce_is_not_a_report_to_us(bounce: dict[str, str]) -> None:
    status = part(b"Final-Recipient: rfc822; x@example.net\r\n", "message/delivery-status", encoding="")
    raw = mail(text(), status, part(REPORT_MAIL, "message/rfc822", encoding=""), subject="Undelivered Mail", **bounce)
    found = search(raw)

    assert (found.documents, refusals(found)) == ((), [])
    assert line_at(found, "3").detail == "returned by a bounce"


def test_a_vacation_reply_is_no_report() -> None:
    raw = single(part(b"I am away.", "text/plain", encoding=""), subject="Automatic reply: Report Domain: example.com")

    assert (search(raw).documents, refusals(search(raw))) == ((), [])


def test_a_signed_report_mail_is_walked_and_its_signature_passed_over() -> None:
    signature = part(b"\x30\x82\x01\x00" + PKCS7 + b"\x02", "application/pkcs7-signature")
    found = search(mail(part(GZ), signature, kind="multipart/signed"))

    assert contents(found) == [XML]
    assert ignored(found) == [("2", None)]


@pytest.mark.parametrize(
    ("data", "declared_type", "reason"),
    [
        (
            b"\x30\x82\x01\x00" + PKCS7 + b"\x02",
            "application/pkcs7-mime",
            "truncated_container",
        ),
        (b"\x30\x80" + PKCS7 + b"\x03\xa0\x80", "application/pkcs7-mime", "encrypted"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEMA", "application/octet-stream", "encrypted"),
        (b"\x78\x9f\x3e\x22\x01\x00", "application/ms-tnef", "unsupported_container"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64), "application/vnd.ms-outlook", "unsupported_container"),
    ],
    ids=["signed", "enveloped", "pgp", "winmail.dat", "msg"],
)
def test_a_mail_that_cannot_be_looked_into_is_refused_by_name(data: bytes, declared_type: str, reason: str) -> None:
    assert refusals(search(mail(text(), part(data, declared_type), subject="hi"))) == [Reason(reason)]


@pytest.mark.parametrize(
    ("formats", "data", "declared_type"),
    [
        ("zip gz eml", XML, "text/xml"),
        ("xml zip eml", GZ, "application/gzip"),
        ("xml gz eml", zip_of(("r.xml", XML)), "application/zip"),
        ("xml zip eml", zip_of(("r.xml.gz", GZ)), "application/zip"),
        ("xml zip gz", REPORT_MAIL, "message/rfc822"),
    ],
)
def test_a_format_that_is_switched_off_is_passed_over(formats: str, data: bytes, declared_type: str) -> None:
    rules = AttachmentRules(formats=tuple(AttachmentFormat(word) for word in formats.split()))
    found = search(mail(part(data, declared_type)), rules=rules)

    assert found.documents == ()
    assert [reason for _, reason in ignored(found)] == [Reason.FORMAT_NOT_ALLOWED]
    assert refusals(found) == []


def test_a_failure_report_counts_as_an_uncompressed_report() -> None:
    found = search(failure_mail(), rules=AttachmentRules(formats=(AttachmentFormat.GZ,)))

    assert found.documents == ()
    assert line_at(found, "0").reason is Reason.FORMAT_NOT_ALLOWED


def test_what_is_compressed_needs_no_leave_for_what_is_not() -> None:
    rules = AttachmentRules(formats=(AttachmentFormat.GZ,))

    assert contents(search(mail(part(GZ)), rules=rules)) == [XML]


def test_parts_are_worked_on_in_order_of_priority() -> None:
    raw = mail(part(XML, "text/xml"), part(REPORT_MAIL, "message/rfc822", encoding=""), part(GZ), part(GZ))
    rules = AttachmentRules(priority=(AttachmentFormat.GZ, AttachmentFormat.EML))

    assert [document.path for document in search(raw, rules=rules).documents] == ["3", "4", "2/2", "1"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (XML, "report.xml"),
        (XML, "anything"),
        (GZ, "report.xml.gz"),
        (zip_of(("r.xml", XML)), "report.zip"),
        (REPORT_MAIL, "mail.eml"),
        (REPORT_MAIL, "1739404799.M1P2.host:2,S"),
        (single(part(GZ)), "body.txt"),
    ],
)
def test_a_file_of_any_kind_is_read_by_its_bytes(data: bytes, name: str) -> None:
    assert contents(search_file(data, name)) == [XML]


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "empty.xml", Reason.EMPTY_DOCUMENT),
        (b"A text file", "plain.txt", Reason.NO_REPORT_CONTENT),
        (b"this is not xml\n", "notxml.xml", Reason.NO_REPORT_CONTENT),
        (b"\x89PNG\r\n\x1a\n", "logo.png", Reason.NO_REPORT_CONTENT),
        (gzip.compress(b"Hello world", mtime=0), "sample.txt.gz", Reason.NO_REPORT_CONTENT),
        (b"\x78\x9f\x3e\x22\x01\x00", "winmail.dat", Reason.UNSUPPORTED_CONTAINER),
    ],
)
def test_a_file_that_is_no_report_is_refused(data: bytes, name: str, reason: Reason) -> None:
    assert refusals(search_file(data, name)) == [reason]


@pytest.mark.parametrize("data", [b"Subject: hi\n\nhello\n", b"just words", bytes(range(256)) * 9])
def test_a_mail_file_without_a_report_is_neither_document_nor_refused(data: bytes) -> None:
    found = search_file(data, "some.eml")

    assert (found.documents, refusals(found)) == ((), [])


def test_every_part_has_a_line_with_an_outcome() -> None:
    found = search(mail(text(), part(GZ), text("<p>", "html"), part(b"\x89PNG", "image/png")))

    assert sorted(line.path for line in found.lines) == ["1", "2", "3", "4"]
    assert {line.outcome for line in found.lines} == {LineOutcome.DOCUMENT, LineOutcome.IGNORED}
