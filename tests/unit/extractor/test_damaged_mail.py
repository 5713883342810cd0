"""Mail that was bent on its way: transfer encodings, boundaries, header lines. Read it, and say what was repaired."""

import base64
import gzip
import quopri

import pytest

from extractor.mime import leaves, top
from pipeline.contracts.reasons import Reason
from tests.support.archives import zip_of
from tests.support.finding import contents, refusals, search, search_file
from tests.support.mails import REPORT_NAME, aggregate_xml, failure_mail, mail, part, single, text

XML = aggregate_xml()
GZ = gzip.compress(XML, mtime=0)


def _raw_part(*head: str, body: bytes) -> bytes:
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _lines(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def test_stray_characters_in_base64_are_dropped_and_noted() -> None:
    encoded = _lines(GZ)
    bent = encoded[:40] + b"\xa0!\x00~" + encoded[40:]
    found = search(mail(_raw_part("Content-Type: application/gzip", "Content-Transfer-Encoding: base64", body=bent)))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("base64-characters",)


def test_missing_base64_padding_is_added_and_noted() -> None:
    data = GZ if len(GZ) % 3 else gzip.compress(XML + b"\n", mtime=0)
    bent = _lines(data).rstrip().rstrip(b"=")
    found = search(mail(_raw_part("Content-Type: application/gzip", "Content-Transfer-Encoding: base64", body=bent)))

    assert len(found.documents) == 1
    assert found.documents[0].repairs == ("base64-padding",)


def test_a_lone_last_base64_character_is_dropped_and_noted() -> None:
    data = next(d for d in (gzip.compress(XML + b" " * n, mtime=0) for n in range(9)) if len(d) % 3 == 0)
    bent = _lines(data).rstrip() + b"A"
    found = search(mail(_raw_part("Content-Type: application/gzip", "Content-Transfer-Encoding: base64", body=bent)))

    assert len(found.documents) == 1
    assert found.documents[0].repairs == ("base64-padding",)


def test_base64_in_very_long_lines_needs_no_repair() -> None:
    body = base64.b64encode(GZ)
    found = search(mail(_raw_part("Content-Type: application/gzip", "Content-Transfer-Encoding: base64", body=body)))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ()


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_a_mailing_list_footer_behind_base64_does_no_harm(extra: int) -> None:
    archive = zip_of((REPORT_NAME, XML + b" " * extra))
    body = part(archive, "application/zip") + b"\r\n_______________\r\nList mailing list\r\nlist@example.com\r\n"

    assert contents(search(single(body))) == [XML + b" " * extra]


def test_a_mailing_list_footer_part_does_no_harm() -> None:
    assert contents(search(mail(part(GZ), text("_____\nTo unsubscribe, click here")))) == [XML]


@pytest.mark.parametrize("label", ["BASE64", "base64;", "Base-64", " base64 (as ever)", '"base64"'])
def test_a_sloppy_transfer_encoding_is_understood(label: str) -> None:
    head = ("Content-Type: application/gzip", f"Content-Transfer-Encoding: {label}")

    assert contents(search(mail(_raw_part(*head, body=_lines(GZ))))) == [XML]


@pytest.mark.parametrize("data", [GZ, zip_of((REPORT_NAME, XML)), XML], ids=["gzip", "zip", "xml"])
def test_base64_that_does_not_say_so_is_decoded_and_noted(data: bytes) -> None:
    found = search(mail(_raw_part("Content-Type: application/octet-stream", body=_lines(data))))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("base64-undeclared",)


def test_plain_xml_that_says_base64_is_read_and_noted() -> None:
    found = search(mail(_raw_part("Content-Type: text/xml", "Content-Transfer-Encoding: base64", body=XML)))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("base64-not-used",)


def test_a_report_without_any_transfer_encoding_is_read() -> None:
    assert contents(search(mail(part(XML, "application/xml", encoding="")))) == [XML]


def test_binary_gzip_without_a_transfer_encoding_is_read() -> None:
    assert contents(search(mail(part(GZ, "application/gzip", encoding="binary")))) == [XML]


def test_a_misspelt_content_type_field_is_understood() -> None:
    body = _raw_part("ContentType: application/zip", "Content-Transfer-Encoding: base64", body=_lines(GZ))

    assert contents(search(mail(body))) == [XML]


def test_a_header_line_that_lost_its_indent_does_not_shift_the_body() -> None:
    head = ("Content-Type: application/gzip;", f'name="{REPORT_NAME}.gz"', "Content-Transfer-Encoding: base64")
    found = search(mail(_raw_part(*head, body=_lines(GZ))))

    assert contents(found) == [XML]
    assert found.documents[0].name == f"{REPORT_NAME}.gz"
    assert found.documents[0].repairs == ("header-line-not-indented",)


def test_an_unindented_content_type_of_the_mail_itself_is_understood() -> None:
    raw = mail(part(GZ)).replace(b"multipart/mixed; boundary", b"multipart/mixed;\r\nboundary")

    assert contents(search(raw)) == [XML]


def test_a_body_without_a_blank_line_before_it_is_found_and_noted() -> None:
    raw = mail(b"Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n" + _lines(GZ))
    found = search(raw)

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("header-separator-missing",)


def test_a_part_without_any_header_is_text() -> None:
    found = search(mail(b"\r\nhello", b"hello again", part(GZ)))

    assert contents(found) == [XML]
    assert [line.path for line in found.lines] == ["3", "1", "2"]


def test_a_multipart_without_a_boundary_is_read_by_a_guess() -> None:
    raw = mail(part(GZ)).replace(b'; boundary="=_boundary"', b"")
    found = search(raw)

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("boundary-guessed",)


def test_a_multipart_with_the_wrong_boundary_is_read_by_a_guess() -> None:
    raw = mail(part(GZ)).replace(b'boundary="=_boundary"', b'boundary="other"')

    assert contents(search(raw)) == [XML]


def test_a_multipart_that_is_not_closed_is_read_to_its_end() -> None:
    raw = mail(part(GZ)).removesuffix(b"--=_boundary--\r\n")
    found = search(raw)

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ()


def test_a_boundary_that_begins_another_is_not_taken_for_it() -> None:
    inner = mail(part(GZ), boundary="b=1")
    nested = inner[inner.index(b"Content-Type: multipart") :]

    assert contents(search(mail(nested, part(GZ), boundary="b"))) == [XML, XML]


@pytest.mark.parametrize(
    "before",
    [
        b"From dmarc@mail.example Wed Feb 12 16:00:00 2025\n",
        b">From x y\n",
        b"\r\n\r\n",
        b"\n",
        b"\xef\xbb\xbf",
        b" \n",
    ],
    ids=["mbox line", "quoted mbox line", "two blank lines", "blank line", "byte order mark", "space"],
)
def test_what_stands_before_the_header_does_no_harm(before: bytes) -> None:
    found = search(before + mail(part(GZ)))

    assert contents(found) == [XML]
    assert found.message_id == "<42@mail.example>"


@pytest.mark.parametrize("line_end", [b"\n", b"\r"])
def test_other_line_ends_are_read(line_end: bytes) -> None:
    assert contents(search(mail(text(), part(GZ)).replace(b"\r\n", line_end))) == [XML]


def test_mixed_line_ends_are_read() -> None:
    assert contents(search(mail(text(), part(GZ)).replace(b"\r\n", b"\n", 9))) == [XML]


def test_nul_bytes_in_the_header_do_no_harm() -> None:
    found = search(mail(part(GZ), subject="Report\x00 Domain: example.com"))

    assert contents(found) == [XML]
    assert found.subject == "Report Domain: example.com"


def test_a_mail_without_any_header_field_it_should_have_is_read() -> None:
    raw = b"Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + _lines(GZ)
    found = search(raw)

    assert contents(found) == [XML]
    assert (found.subject, found.from_address, found.message_id, found.date) == ("", "", "", None)


def test_of_a_field_that_is_there_twice_the_first_counts() -> None:
    raw = mail(part(GZ), headers=("Content-Type: text/plain", "Subject: another", "Message-ID: <other>"))
    found = search(raw)

    assert contents(found) == [XML]
    assert found.message_id == "<42@mail.example>"


def test_a_lying_charset_does_not_touch_the_bytes() -> None:
    report = XML.replace(b"mail.example", "müll".encode("cp1252"))
    raw = mail(part(report, "text/xml; charset=utf-8"))

    assert contents(search(raw)) == [report]


def test_a_quoted_printable_report_is_decoded() -> None:
    body = quopri.encodestring(XML).replace(b"\n", b"\r\n")
    found = search(mail(part(body, "text/xml", encoding="quoted-printable")))

    assert contents(found)[0].replace(b"\r\n", b"\n") == XML


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_an_xml_report_in_another_encoding_is_known_as_xml(encoding: str) -> None:
    report = XML.decode().encode(encoding)

    assert contents(search(mail(part(report, "text/xml")))) == [report]


def test_junk_before_the_xml_does_no_harm() -> None:
    report = b"\r\n\x00 junk: \xff" + XML

    assert contents(search(mail(part(report, "application/xml")))) == [report]


def test_bytes_that_are_no_mail_at_all_are_no_report() -> None:
    found = search(bytes(range(256)) * 2048)

    assert (found.documents, refusals(found)) == ((), [])


def test_a_failure_report_with_a_mixture_of_line_ends_is_kept_whole() -> None:
    raw = failure_mail().replace(b"\r\n", b"\n", 12)

    assert contents(search(raw)) == [raw]


def test_the_walk_gives_the_leaves_in_their_order() -> None:
    raw = mail(text(), part(GZ), text())

    assert [leaf.path for leaf in leaves(raw, top(raw))] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (3, "the compressed data does not begin as it should"),
        (30, "the compressed data is damaged"),
        (-6, "the checksum differs"),
        (-2, "the length differs"),
    ],
)
def test_what_is_wrong_with_a_gzip_is_said_in_words(at: int, words: str) -> None:
    bent = bytearray(gzip.compress(aggregate_xml(), mtime=0))
    bent[at] ^= 0xFF

    [line] = search_file(bytes(bent), "r.xml.gz").lines

    assert (line.reason, line.detail) == (Reason.CORRUPT_CONTAINER, words)
