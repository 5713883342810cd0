"""Header fields as they are sent, and what is shown of them."""

from datetime import UTC, datetime

import pytest

from extractor import headers
from extractor.fields import Fields, is_mail
from extractor.headers import one_line
from extractor.likeness import is_report_name, looks_like_report_mail, must_carry_report
from pipeline.mailformat.parameters import parameters


def _fields(*lines: str | bytes) -> Fields:
    return Fields(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Report Domain: a Submitter: b", "Report Domain: a Submitter: b"),
        ("Report\r\n Domain: a\r\n\tSubmitter: b", "Report Domain: a Submitter: b"),
        ("=?utf-8?B?W1ByZXZpZXddIFJlcG9ydCBEb21haW46IGE=?=", "[Preview] Report Domain: a"),
        ("=?utf-8?Q?Report_?=\r\n =?utf-8?Q?Domain=3A_a?=", "Report Domain: a"),
        ("=?nonsense?Q?caf=E9?=", "café"),
        ("=?utf-8?B?broken", "=?utf-8?B?broken"),
        ("=?utf-8?B?AAA?=", ""),
        ("a\x00\x1b[31mb\u202ec", "a[31mbc"),
        ("x" * 9000, "x" * 500),
        ("", ""),
    ],
)
def test_a_subject_is_shown_decoded_on_one_line_and_bounded(sent: str, shown: str) -> None:
    assert headers.subject(_fields(f"Subject: {sent}")) == shown


def test_a_subject_in_raw_eight_bit_is_shown() -> None:
    assert headers.subject(_fields("Subject: café".encode())) == "café"
    assert headers.subject(_fields("Subject: café".encode("latin-1"))) == "café"


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("a@example.com", "a@example.com"),
        ('"Reports, DMARC" <a@example.com>', "a@example.com"),
        ("=?utf-8?Q?M=C3=BCll?= <a@example.com>", "a@example.com"),
        ("MAILER-DAEMON", ""),
        ("broken <a@example.com", "a@example.com"),
        ("", ""),
        ("<>", ""),
    ],
)
def test_the_sender_is_the_bare_address(sent: str, address: str) -> None:
    assert headers.from_address(_fields(f"From: {sent}")) == address


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("Wed, 12 Feb 2025 15:59:59 -0800", datetime(2025, 2, 12, 23, 59, 59, tzinfo=UTC)),
        ("12 Feb 2025 15:59:59", datetime(2025, 2, 12, 15, 59, 59, tzinfo=UTC)),
        ("yesterday", None),
        ("Wed, 99 Feb 2025 15:59:59 -0800", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("12 Feb 99999 15:59:59", None),
        ("", None),
    ],
)
def test_a_date_is_utc_or_nothing(sent: str, moment: datetime | None) -> None:
    assert headers.date(_fields(f"Date: {sent}")) == moment


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (['Content-Disposition: attachment; filename="a!b!1!2.xml.gz"'], "a!b!1!2.xml.gz"),
        (["Content-Disposition: attachment; filename=a.xml"], "a.xml"),
        (['Content-Type: application/gzip; name="a.gz"'], "a.gz"),
        (['Content-Disposition: inline; FILENAME="a.xml"'], "a.xml"),
        (
            ["Content-Disposition: attachment;", ' filename*0="a!b!173', ' 9318400!2.xml"; filename*1=".gz"'],
            "a!b!173 9318400!2.xml.gz",
        ),
        (["Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.xml"], "café.xml"),
        (["Content-Disposition: attachment; filename*=nonsense''caf%E9.xml"], "café.xml"),
        (['Content-Disposition: attachment; filename="=?utf-8?B?YS54bWw=?="'], "a.xml"),
        (['Content-Disposition: attachment; filename="a', ' b.xml"'], "a b.xml"),
        (['Content-Disposition: attachment; filename="../../etc/passwd"'], "passwd"),
        (['Content-Disposition: attachment; filename="C:\\\\reports\\\\a.xml"'], "a.xml"),
        (['Content-Disposition: attachment; filename="unclosed.xml'], "unclosed.xml"),
        (["Content-Disposition: attachment; filename*0*=broken; filename*x=y"], "broken"),
        (["Content-Disposition: attachment"], ""),
    ],
)
def test_a_file_name_is_decoded_and_cut_to_its_base(lines: list[str], name: str) -> None:
    assert headers.file_name(_fields(*lines)) == name


@pytest.mark.parametrize(
    ("line", "content_type"),
    [
        ("Content-Type: TEXT/Plain; charset=x", "text/plain"),
        ("Content-Type : text/plain", "text/plain"),
        ("ContentType: text/plain", "text/plain"),
        ("Content-Type: text", ""),
        ("Content-Type:", ""),
        ("Other: x", ""),
    ],
)
def test_a_content_type_is_read_or_empty(line: str, content_type: str) -> None:
    assert _fields(line).content_type == content_type


def test_parameters_survive_what_is_inside_of_quotes() -> None:
    assert parameters('multipart/mixed; boundary="a;b=c\\"d"; x=1; x=2') == {"boundary": 'a;b=c"d', "x": "1"}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (b"From: a\r\nSubject: b\r\n\r\nbody", True),
        (b"From a Wed Feb 12\nReturn-Path: <>\nDate: x\n\n", True),
        (b"Subject: alone\n\nbody", False),
        (b"hello\nFrom: a\nSubject: b\n", False),
        (b"key: value\nother: value\n", False),
        (b"Final-Recipient: rfc822; x\nAction: failed\n", False),
    ],
)
def test_a_mail_is_known_by_two_of_its_fields(text: bytes, answer: bool) -> None:
    assert is_mail(text) is answer


@pytest.mark.parametrize(
    "subject",
    [
        "Report Domain: d Submitter: s Report-ID: <i>",
        "Report domain: d Submitter: google.com Report-ID: 1",
        "Report Domain:d submitter:s report-id:1",
        "Dmarc Aggregate Report Domain: {d} Submitter: {Amazon SES} Date: {x} Report-ID: {i}",
        "Report Domain: d; Submitter: Mail.Ru; Report-ID: 1",
        "[Preview] Report Domain: d",
    ],
)
def test_each_form_of_a_report_mail_s_subject_is_known(subject: str) -> None:
    assert looks_like_report_mail(subject=subject, fields=Fields(b""))
    assert must_carry_report(subject=subject, fields=Fields(b""))


def test_a_tls_report_is_known_by_its_fields() -> None:
    assert must_carry_report(subject="", fields=_fields("TLS-Report-Domain: example.com"))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("google.com!example.com!1739318400!1739404799.zip", True),
        ("!example.com!1739318400!1739404799.xml", True),
        ("a!b!1739318400!1739404799!unique.xml.gz", True),
        ("a!b.xml", False),
        ("report.xml", False),
    ],
)
def test_the_form_of_a_report_s_file_name_is_known(name: str, answer: bool) -> None:
    assert is_report_name(name) is answer


def test_a_line_for_display_can_be_stored_anywhere() -> None:
    shown = one_line("a\ud800b\x00c\u2028d\n" * 100, length=50)

    assert shown.encode("utf-8").isascii()
    assert len(shown) <= 50
