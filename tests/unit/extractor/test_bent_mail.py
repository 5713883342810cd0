"""Mail that lost its type, got lines before its header, or was saved in a form of some program's own: still read."""

import base64
import gzip

import pytest

from pipeline.contracts.reasons import Reason
from tests.support.finding import contents, ignored, refusals, search, search_file
from tests.support.mails import REPORT_SUBJECT, aggregate_xml, failure_mail, mail, part, single, text, tls_json

XML = aggregate_xml()
GZ = gzip.compress(XML, mtime=0)
REPORT_MAIL = mail(text(), part(GZ, "application/gzip", name="r.xml.gz"))
DECLARED = b'Content-Type: multipart/mixed; boundary="=_boundary"\r\n'


def _with_type(field: bytes) -> bytes:
    return REPORT_MAIL.replace(DECLARED, field)


def _digest(*parts: bytes) -> bytes:
    return mail(*parts, subject="rua Digest, Vol 1", kind="multipart/digest", boundary="digest")


def test_the_parts_of_a_digest_are_mails_without_saying_so() -> None:
    assert contents(search(_digest(b"\r\n" + REPORT_MAIL))) == [XML]


def test_the_mails_of_a_digest_may_stand_there_without_a_header_of_the_part() -> None:
    assert contents(search(_digest(REPORT_MAIL, REPORT_MAIL.replace(b"=_b", b"=_c")))) == [XML, XML]


def test_a_failure_report_in_a_digest_is_one() -> None:
    found = search(_digest(b"\r\n" + failure_mail()))

    assert [document.format for document in found.documents] == ["arf"]


def test_a_part_of_a_digest_that_says_what_it_is_is_that() -> None:
    assert contents(search(_digest(part(GZ, "application/gzip", name="r.xml.gz"), text()))) == [XML]


@pytest.mark.parametrize(
    "field",
    [
        b"",
        b"Content-Type:\r\n",
        b'Content-Type: ; boundary="=_boundary"\r\n',
        b'Content-Type: multipart; boundary="=_boundary"\r\n',
        b'Content-Type: "multipart/mixed"; boundary="=_boundary"\r\n',
        b"Content-Type: text/plain\r\n",
        b'Content-Type: application/octet-stream; boundary="=_boundary"\r\n',
        b"Content-Type: text/plain; charset=utf-8\r\n" + DECLARED,
        b"Content-Type: text/plain\r\nContent-Type: text/html\r\n",
        b"X-Content-Type: what\r\n",
    ],
)
def test_a_mail_whose_content_type_does_not_name_its_parts_is_divided_all_the_same(field: bytes) -> None:
    found = search(_with_type(field))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("multipart-undeclared",)
    assert found.subject.startswith("Report Domain")


def test_a_boundary_without_its_semicolon_is_known() -> None:
    assert contents(search(_with_type(b"Content-Type: multipart/mixed boundary==_boundary\r\n"))) == [XML]


def test_a_failure_report_without_a_content_type_is_kept_with_one() -> None:
    raw = failure_mail()
    at = raw.index(b"Content-Type: multipart/report")
    found = search(raw[:at] + raw[raw.index(b"\n", at) + 1 :])

    assert [document.format for document in found.documents] == ["arf"]
    assert contents(found)[0].startswith(b"Content-Type: multipart/report; report-type=feedback-report;")


def test_the_mail_that_a_bounce_returns_in_its_text_is_left_alone() -> None:
    raw = b"From: MAILER-DAEMON@mail.example\r\nSubject: failure notice\r\n\r\n" + REPORT_MAIL

    assert search(raw).documents == ()
    assert refusals(search(raw)) == []


@pytest.mark.parametrize(
    "before",
    [
        b"Microsoft Mail Internet Headers Version 2.0\r\n",
        b"+OK 2345 octets\r\n",
        b"* 1 FETCH (BODY[] {2345}\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"Delivered via gateway 7\r\nqueue 12345\r\n",
        b"Delivered via gateway 7\r\n\r\n",
        b"X-Gateway: 7\r\nX-Queue: 12345\r\n\r\n",
        b"\xef\xbb\xbf\r\n Microsoft Mail Internet Headers Version 2.0\r\n",
        b">From dmarc@mail.example Wed Feb 12 16:00:00 2025\r\nline\r\n",
        b"=" * 70 + b"\r\n",
    ],
)
@pytest.mark.parametrize("name", ["fetched", "file.txt"])
def test_lines_before_the_header_are_passed_over(before: bytes, name: str) -> None:
    found = search(before + REPORT_MAIL) if name == "fetched" else search_file(before + REPORT_MAIL, name)

    assert contents(found) == [XML]
    assert found.message_id == "<42@mail.example>"
    assert "mail-leading-lines" in found.documents[0].repairs


def test_a_header_in_the_middle_of_a_text_is_no_header() -> None:
    raw = b"hello\r\n" * 2000 + REPORT_MAIL

    assert search(raw).documents == ()


def test_a_mail_saved_as_utf_32_is_read() -> None:
    assert contents(search(REPORT_MAIL.decode("latin-1").encode("utf-32"))) == [XML]


@pytest.mark.parametrize("report", [XML, tls_json()])
def test_a_report_that_stands_in_the_letter_of_a_report_mail_is_read(report: bytes) -> None:
    letter = b"Content-Type: text/plain\r\n\r\nHello,\r\nhere it is:\r\n\r\n" + report
    question = single(letter, subject="Re: what is this?")

    assert contents(search(single(letter)))[0].strip().endswith(report.strip())
    assert search(question).documents == ()


def test_a_letter_beside_an_attachment_is_a_letter() -> None:
    letter = b"Content-Type: text/plain\r\n\r\nIt begins like this:\r\n\r\n" + XML[:200]

    assert contents(search(mail(letter, part(GZ, name="r.xml.gz")))) == [XML]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_a_mail_saved_as_utf_16_is_read(encoding: str, line_end: str) -> None:
    saved = REPORT_MAIL.decode("latin-1").replace("\r\n", line_end).encode(encoding)

    assert contents(search(saved)) == contents(search_file(saved, "a.txt")) == [XML]
    assert search(saved).documents[0].repairs == ("mail-utf16",)


def test_a_big_endian_mail_with_its_mark_is_read() -> None:
    assert contents(search(b"\xfe\xff" + REPORT_MAIL.decode("latin-1").encode("utf-16-be"))) == [XML]


PLIST = b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict/></plist>\n'


@pytest.mark.parametrize("length", [len(REPORT_MAIL), 3, 10**9], ids=["right", "too short", "too long"])
def test_a_mail_of_apple_mail_is_read_between_its_length_and_its_list(length: int) -> None:
    saved = b"%-10d\n" % length + REPORT_MAIL + PLIST
    found = search_file(saved, "1234.emlx")

    assert contents(found) == contents(search(saved)) == [XML]
    assert found.documents[0].repairs == ("mail-emlx",)


def test_a_failure_report_of_apple_mail_is_kept_without_its_list() -> None:
    raw = failure_mail()

    assert contents(search_file(b"%d\n" % len(raw) + raw + PLIST)) == [raw]


@pytest.mark.parametrize("length", [70_000, 300_000])
def test_a_header_line_of_any_length_hides_nothing(length: int) -> None:
    raw = b"X-Spam-Report: " + b"word " * (length // 5) + b"\r\n" + REPORT_MAIL

    assert contents(search(raw)) == [XML]
    assert search(raw).subject.startswith("Report Domain")


def test_a_file_that_begins_with_a_very_long_header_line_is_a_mail() -> None:
    assert contents(search_file(b"X-Spam: " + b"a" * 70_000 + b"\r\n" + REPORT_MAIL, "saved")) == [XML]


@pytest.mark.parametrize("line_end", [b"\r", b"\r\r\n"])
def test_bent_line_ends_of_a_file_are_read(line_end: bytes) -> None:
    assert contents(search_file(REPORT_MAIL.replace(b"\r\n", line_end), "a.eml")) == [XML]


def test_a_header_with_bare_returns_before_a_body_with_line_feeds_is_read() -> None:
    head, _, body = REPORT_MAIL.partition(b"\r\n\r\n")

    assert contents(search(head.replace(b"\r\n", b"\r") + b"\r\r" + body)) == [XML]


@pytest.mark.parametrize("label", ["quoted-printable", "7bit", "8bit", "x-unknown", ""])
def test_base64_under_a_wrong_label_is_read(label: str) -> None:
    raw = mail(part(base64.encodebytes(GZ), "application/gzip", name="r.xml.gz", encoding=label))

    assert contents(search(raw)) == [XML]


@pytest.mark.parametrize("rounds", [1, 2])
def test_base64_of_base64_is_read(rounds: int) -> None:
    data = GZ
    for _ in range(rounds):
        data = base64.encodebytes(data)

    assert contents(search(mail(part(data, "application/gzip", name="r.xml.gz")))) == [XML]


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("footer", [b"", b"\r\n_______________\r\nlist@example.com\r\n"])
def test_base64_in_the_alphabet_for_urls_is_read(padded: bool, footer: bytes) -> None:
    data = next(d for d in (gzip.compress(XML + b" " * n) for n in range(50)) if {45, 95} & set(_urlsafe(d)))
    body = _urlsafe(data) if padded else _urlsafe(data).rstrip(b"=")
    raw = b"Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body + footer

    assert contents(search(mail(raw))) == [gzip.decompress(data)]


def _urlsafe(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data)


def test_a_line_before_base64_does_not_shift_it() -> None:
    body = b"This attachment was scanned:\r\n" + base64.encodebytes(GZ)
    raw = b"Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body

    assert contents(search(mail(raw))) == [XML]


@pytest.mark.parametrize("data", [GZ, XML, b"\xef\xbb\xbf" + XML, REPORT_MAIL], ids=["gz", "xml", "bom", "mail"])
def test_a_saved_attachment_that_is_still_base64_is_read(data: bytes) -> None:
    assert contents(search_file(base64.encodebytes(data), "r.xml.gz"))[0].endswith(XML)


def test_base64_of_nothing_known_stays_text() -> None:
    found = search(mail(part(base64.encodebytes(bytes(range(256))), "text/plain", name="key.txt"), subject="hi"))

    assert ignored(found) == [("1", Reason.NO_REPORT_CONTENT)]


def test_a_mail_in_the_text_of_a_mail_without_a_type_is_read() -> None:
    raw = f"From: a@example.com\r\nSubject: {REPORT_SUBJECT}\r\n\r\n".encode() + REPORT_MAIL

    assert contents(search(raw)) == [XML]


def test_a_single_part_mail_is_still_one() -> None:
    found = search(single(part(GZ, "application/gzip", name="r.xml.gz")))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ()


@pytest.mark.parametrize("raw", [b"\r" * 5_000_000, b"Subject: a\r" + b"\r" * 5_000_000 + b"x\n"])
def test_a_long_run_of_carriage_returns_costs_linear_time(raw: bytes) -> None:
    assert contents(search(raw)) == []  # quadratic, it would be hours
