"""Every way in which a report is put into a mail (docs: formats, container and MIME), and what comes out."""

import gzip

import pytest

from pipeline.contracts.mail import DocumentFormat, LineOutcome
from pipeline.contracts.reasons import Reason
from tests.support.archives import zip_of
from tests.support.finding import contents, ignored, line_at, refusals, search
from tests.support.mails import REPORT_NAME, REPORT_SUBJECT, aggregate_xml, mail, part, single, text, tls_json

XML = aggregate_xml()
GZ = gzip.compress(XML)
ZIP = zip_of((REPORT_NAME, XML))


@pytest.mark.parametrize(
    ("data", "declared_type", "name"),
    [
        (GZ, "application/gzip", "r.xml.gz"),
        (GZ, "application/x-gzip", "r.xml.gz"),
        (GZ, "application/zip", "r.zip"),  # GMX
        (GZ, "application/octet-stream", "r.xml.gz"),  # Amazon
        (GZ, "image/png", "logo.png"),
        (ZIP, "application/zip", "r.zip"),
        (ZIP, "application/x-zip", "r.zip"),
        (ZIP, "application/x-zip-compressed", "r.zip"),
        (ZIP, "application/gzip", "r.zip"),  # 163.com
        (ZIP, "application/zip", "r.xml.zip"),  # seznam.cz
        (ZIP, "text/plain", "report.txt"),
        (XML, "application/xml", "r.xml"),
        (XML, "text/xml", "r.xml"),
        (XML, "application/octet-stream", "report.dat"),
        (XML, "application/octet-stream", None),
        (GZ, "application/octet-stream", None),
    ],
)
def test_a_report_is_found_by_its_bytes_whatever_its_label(data: bytes, declared_type: str, name: str | None) -> None:
    found = search(mail(text(), part(data, declared_type, name=name)))

    assert contents(found) == [XML]
    assert refusals(found) == []


@pytest.mark.parametrize("declared_type", ["application/zip", "application/gzip", "text/plain", "application/xml"])
@pytest.mark.parametrize("data", [ZIP, GZ, XML])
def test_a_body_that_is_the_attachment_is_found(data: bytes, declared_type: str) -> None:
    found = search(single(part(data, declared_type)))

    assert contents(found) == [XML]
    assert found.documents[0].path.split("/")[0] == "1"


def test_a_tls_report_is_found_with_its_own_media_types() -> None:
    parts = (
        text(),
        part(gzip.compress(tls_json()), "application/tlsrpt+gzip", name="r.json.gz"),
        part(tls_json(), "application/tlsrpt+json", encoding="quoted-printable"),
        part(b"", "text/plain"),
    )
    found = search(mail(*parts, kind="multipart/report; report-type=tlsrpt"))

    assert contents(found) == [tls_json(), tls_json()]
    assert [document.format for document in found.documents] == [DocumentFormat.JSON] * 2


def test_an_uncompressed_report_inline_in_a_text_part_is_found() -> None:
    assert contents(search(mail(text(), part(XML, "text/plain", encoding="")))) == [XML]


def test_an_uncompressed_report_as_the_whole_text_of_a_mail_is_found() -> None:
    assert contents(search(single(part(XML, "text/plain", encoding="quoted-printable")))) == [XML]


def test_talk_about_reports_in_a_text_part_is_no_report() -> None:
    found = search(mail(text("see <feedback> in <b>your</b> file: <?xml version='1.0'?>"), subject="Re: dmarc"))

    assert found.documents == ()
    assert refusals(found) == []


def test_html_is_never_a_report() -> None:
    html = b"<html><body>feedback report_metadata policy_published</body></html>"

    assert search(mail(part(html, "text/html"), subject="hello")).documents == ()


@pytest.mark.parametrize("kind", ["alternative", "related", "report", "signed", "mixed", "x-unknown"])
def test_the_multipart_type_does_not_matter(kind: str) -> None:
    found = search(mail(text(), part(GZ, "application/gzip"), kind=f"multipart/{kind}"))

    assert contents(found) == [XML]


def test_a_report_in_nested_multiparts_is_found_at_its_path() -> None:
    inner = mail(text(), text("<p>hi</p>", "html"), kind="multipart/alternative", boundary="inner")
    nested = inner[inner.index(b"Content-Type: multipart") :]
    found = search(mail(nested, part(GZ, "application/gzip")))

    assert found.documents[0].path == "2"
    assert [line.path for line in found.lines] == ["2", "1/1", "1/2"]


def test_a_zip_with_several_reports_gives_them_all() -> None:
    reports = [aggregate_xml(report_id=str(number)) for number in range(3)]
    archive = zip_of(*((f"{number}.xml", report) for number, report in enumerate(reports)))
    found = search(mail(part(archive, "application/zip")))

    assert contents(found) == reports
    assert [document.path for document in found.documents] == ["1/0.xml", "1/1.xml", "1/2.xml"]


def test_directories_and_apple_double_files_in_a_zip_are_passed_over() -> None:
    archive = zip_of(
        ("reports/", b""),
        ("reports/a.xml", XML),
        ("__MACOSX/reports/._a.xml", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "),
        (".DS_Store", b"\x00\x00\x00\x01Bud1"),
    )
    found = search(mail(part(archive, "application/zip")))

    assert contents(found) == [XML]
    assert refusals(found) == []
    assert [line.outcome for line in found.lines].count(LineOutcome.IGNORED) == 3


def test_apple_double_files_alone_are_no_reason_to_refuse() -> None:
    archive = zip_of(("__MACOSX/._a.xml", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "))
    found = search(mail(part(archive, "application/octet-stream"), subject="dmarc"))

    assert refusals(found) == []


def test_a_zip_member_with_an_empty_name_is_read() -> None:
    found = search(mail(part(zip_of(("", XML)), "application/zip")))

    assert contents(found) == [XML]
    assert found.documents[0].path == "1/unnamed"


def test_members_with_one_name_have_different_paths() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zip_of(("a.xml", XML), ("a.xml", XML))

    assert [d.path for d in search(mail(part(archive))).documents] == ["1/a.xml", "1/a.xml#2"]


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(GZ),
        zip_of(("r.xml.gz", GZ)),
        zip_of(("inner.zip", ZIP)),
        gzip.compress(ZIP),
        zip_of(("r.zip", zip_of(("r.gz", GZ)))),
    ],
    ids=["gz in gz", "gz in zip", "zip in zip", "zip in gz", "gz in zip in zip"],
)
def test_archives_in_archives_are_unpacked(data: bytes) -> None:
    assert contents(search(mail(part(data)))) == [XML]


def test_a_zip_of_something_else_beside_a_report_is_no_error() -> None:
    found = search(mail(part(zip_of(("readme.txt", b"hello"))), part(GZ)))

    assert contents(found) == [XML]
    assert refusals(found) == []


def test_a_gzip_of_a_picture_in_a_report_mail_is_refused() -> None:
    found = search(mail(part(gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(100)), name="r.gz")))

    assert refusals(found) == [Reason.NO_REPORT_CONTENT]


def test_random_bytes_labelled_as_a_zip_in_a_report_mail_are_refused() -> None:
    found = search(mail(text(), part(bytes(range(128, 256)) * 4, "application/zip", name="r.zip")))

    assert refusals(found) == [Reason.NOT_UNDERSTOOD]


@pytest.mark.parametrize(("content", "reason"), [(b"unused", "no_report_content"), (b"", "empty_document")])
def test_a_report_file_that_says_nothing_is_refused(content: bytes, reason: str) -> None:
    assert refusals(search(mail(part(gzip.compress(content), name="r.xml.gz")))) == [Reason(reason)]


def test_a_zip_of_pictures_in_an_ordinary_mail_is_passed_over() -> None:
    found = search(mail(part(zip_of(("a.png", b"\x89PNG\r\n\x1a\n")), name="holiday.zip"), subject="Our holiday"))

    assert refusals(found) == []
    assert ignored(found) == [("1/a.png", Reason.NO_REPORT_CONTENT)]


def test_an_office_document_is_no_archive_of_reports() -> None:
    docx = zip_of(("[Content_Types].xml", b"<?xml version='1.0'?><Types/>"), ("word/document.xml", b"<w:document/>"))
    found = search(mail(part(docx, name="letter.docx"), subject="A letter"))

    assert found.documents == ()
    assert ignored(found) == [("1", Reason.NO_REPORT_CONTENT)]


@pytest.mark.parametrize(
    ("data", "declared_type"),
    [
        (b"<?xml version='1.0'?><Invoice><Amount>1</Amount></Invoice>", "application/xml"),
        (b'{"invoice": 1}', "application/json"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "application/msword"),
        (b"hello", "text/plain"),
    ],
)
def test_attachments_of_ordinary_mail_are_passed_over(data: bytes, declared_type: str) -> None:
    found = search(mail(text(), part(data, declared_type, name="file"), subject="Hello"))

    assert found.documents == ()
    assert refusals(found) == []


def test_xml_without_a_word_of_a_report_goes_to_the_parser_when_a_report_was_promised() -> None:
    found = search(mail(part(b"<?xml version='1.0'?><broken/>", "application/xml")))

    assert [document.format for document in found.documents] == [DocumentFormat.XML]


@pytest.mark.parametrize("before", ["", "[EXTERNAL] ", "***SPAM*** ", "[Preview] [List] ", "Dmarc Aggregate "])
def test_a_report_mail_whose_attachment_was_stripped_is_not_lost_in_silence(before: str) -> None:
    stripped = mail(text("An attachment was removed by the gateway."), subject=before + REPORT_SUBJECT)

    assert refusals(search(stripped)) == [Reason.REPORT_REMOVED]


def test_a_note_in_the_place_of_the_report_is_no_report() -> None:
    note = part(b"The file was deleted.", "text/plain", name="DELETED0.TXT")

    assert refusals(search(mail(text(), note))) == [Reason.REPORT_REMOVED]


@pytest.mark.parametrize("subject", ["Re: Report Domain: example.com", "DMARC weekly news", "Automatic reply: dmarc"])
def test_a_mail_about_reports_without_one_is_no_failure(subject: str) -> None:
    png = part(b"\x89PNG\r\n\x1a\n", "image/png", name="logo.png")

    assert refusals(search(mail(text(), png, subject=subject))) == []


def test_a_report_in_an_ordinary_looking_mail_is_found_all_the_same() -> None:
    assert contents(search(mail(part(GZ, name="data.bin"), subject="hello"))) == [XML]


def test_a_report_that_is_there_twice_is_found_twice() -> None:
    assert contents(search(mail(part(GZ), part(ZIP)))) == [XML, XML]


def test_a_line_says_what_a_part_is() -> None:
    line = line_at(search(mail(text(), part(GZ, "application/zip", name="../../etc/r.zip"))), "2")

    assert (line.name, line.declared_type, line.sniffed, line.size) == ("r.zip", "application/zip", "gzip", len(GZ))
    assert (line.outcome, line.reason) == (LineOutcome.DOCUMENT, None)
