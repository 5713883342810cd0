"""Frames that are rare or bent: uuencode, signed CMS, archives behind each other, deflate without gzip."""

import base64
import gzip
import io
import struct
import time
import zipfile
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from tests.support.archives import signed_in_ber, uuencoded, with_central, zip_of
from tests.support.finding import contents, ignored, refusals, search, search_file
from tests.support.mails import REPORT_NAME, aggregate_xml, mail, part, single, text

XML = aggregate_xml()
OTHER = aggregate_xml(report_id="43")
GZ = gzip.compress(XML, mtime=0)
ZIP = zip_of((REPORT_NAME, XML))


def _in_text(*files: bytes, subject: str = "Fwd: see below") -> bytes:
    return single(b"Content-Type: text/plain\r\n\r\nHello\r\n\r\n" + b"\r\n".join(files), subject=subject)


def test_a_uuencoded_file_in_a_text_is_read() -> None:
    found = search(_in_text(uuencoded(GZ)))

    assert contents(found) == [XML]
    assert (found.documents[0].path, found.documents[0].name) == ("1/r.xml.gz", "r.xml.gz")


def test_each_of_several_uuencoded_files_is_read() -> None:
    found = search(_in_text(uuencoded(GZ), b"and\r\n", uuencoded(gzip.compress(OTHER)), uuencoded(ZIP, "r.zip")))

    assert contents(found) == [XML, OTHER, XML]
    assert len({document.path for document in found.documents}) == 3


@pytest.mark.parametrize("mode", ["0 ", "0644 ", "100644 ", " 644  ", ""])
def test_a_mode_of_any_kind_does_no_harm(mode: str) -> None:
    assert contents(search(_in_text(uuencoded(GZ, mode=mode)))) == [XML]


@pytest.mark.parametrize("end", [b"", b"end\n", b" \nend\n", b"`\n", b"`\nend"])
def test_an_end_of_any_kind_does_no_harm(end: bytes) -> None:
    assert contents(search(_in_text(uuencoded(GZ, end=end)))) == [XML]


def test_blanks_that_were_cut_off_or_added_at_line_ends_do_no_harm() -> None:
    cut = b"\n".join(line.rstrip() for line in uuencoded(GZ).replace(b"`", b" ").split(b"\n"))
    added = uuencoded(GZ).replace(b"\n", b" \r\n")

    assert contents(search(_in_text(cut))) == contents(search(_in_text(added))) == [XML]


@pytest.mark.parametrize("label", ["x-uuencode", "uuencode", "X-UUE"])
def test_uuencode_as_a_transfer_encoding_is_read(label: str) -> None:
    raw = mail(part(uuencoded(GZ), "application/gzip", name="r.xml.gz", encoding=label))
    bare = mail(part(uuencoded(GZ).partition(b"\n")[2], "application/gzip", name="r.xml.gz", encoding=label))

    assert contents(search(raw)) == contents(search(bare)) == [XML]


@pytest.mark.parametrize("label", ["base64", "quoted-printable", "x-uue", "7bit", "binary"])
def test_a_uuencoded_file_under_another_label_is_read(label: str) -> None:
    body = uuencoded(GZ).replace(b"=", b"=3D") if label == "quoted-printable" else uuencoded(GZ)
    head = f"Content-Type: application/gzip\r\nContent-Transfer-Encoding: {label}\r\n\r\n"

    assert contents(search(mail(head.encode() + body))) == [XML]


def test_base64_that_says_it_is_uuencode_is_read() -> None:
    body = b"Content-Type: application/gzip\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n" + base64.encodebytes(GZ)

    assert contents(search(mail(body))) == [XML]


def test_uuencode_in_its_base64_form_is_read() -> None:
    assert contents(search(_in_text(b"begin-base64 644 r.gz\n" + base64.encodebytes(GZ) + b"====\n"))) == [XML]


def test_a_letter_that_begins_a_line_with_begin_is_a_letter() -> None:
    found = search(single(text("begin 644 things\nand end\nbegin to live\n"), subject="hi"))

    assert (found.documents, refusals(found)) == ((), [])


def test_a_picture_in_uuencode_in_an_ordinary_mail_is_passed_over() -> None:
    assert refusals(search(_in_text(uuencoded(b"\x89PNG\r\n\x1a\n" + bytes(99), "a.png")))) == []


def test_many_beginnings_of_files_cost_linear_time() -> None:
    began = time.process_time()
    search(_in_text(b"begin 644 x\n#86)C\n" * 200_000))
    search(_in_text(b"begin-base64 644 x\nQUJD\n" * 200_000))

    assert time.process_time() - began < 30  # quadratic, it would be hours


@pytest.mark.parametrize("line", [b"begin" + b" " * 4_000_000 + b"x", b"begin 644" + b"\t" * 4_000_000 + b"x"])
def test_a_beginning_of_a_file_with_a_long_blank_costs_linear_time(line: bytes) -> None:
    began = time.process_time()
    search(_in_text(line))

    assert time.process_time() - began < 10  # where each blank was tried as the name's first character: a minute


@pytest.mark.parametrize("marker", [b"PK00", b"PK30"])
def test_a_zip_that_was_to_have_volumes_and_has_one_is_read(marker: bytes) -> None:
    assert contents(search_file(marker + ZIP, "r.zip")) == [XML]


@pytest.mark.parametrize("offset", [0, 7, 0xFFFFFFF0])
def test_a_zip_whose_end_gives_a_wrong_place_of_its_directory_is_read(offset: int) -> None:
    archive = ZIP[:-6] + struct.pack("<L", offset) + ZIP[-2:]

    assert contents(search_file(archive)) == [XML]


def test_a_zip_whose_end_gives_a_wrong_size_of_its_directory_is_read() -> None:
    assert contents(search_file(ZIP[:-10] + struct.pack("<L", 5) + ZIP[-6:])) == [XML]


def test_the_second_member_to_which_the_directory_does_not_lead_is_found_too() -> None:
    archive = zip_of(("a.xml", XML), ("b.xml", OTHER))
    at = archive.rindex(b"PK\x01\x02") + 42

    assert contents(search_file(archive[:at] + struct.pack("<L", 3) + archive[at + 4 :])) == [XML, OTHER]


@pytest.mark.parametrize("before", [b"MZ" + bytes(5000), b"\x7fELF" + bytes(999), b"#!/bin/sh\nexit\n", b"\xff" * 40])
def test_an_archive_behind_a_program_is_read(before: bytes) -> None:
    assert contents(search(mail(part(before + ZIP, name="report.exe")))) == [XML]


def test_archives_behind_each_other_are_all_read_in_order() -> None:
    found = search_file(ZIP + zip_of((REPORT_NAME, OTHER)) + zip_of(("c.xml", XML)), "r.zip")

    assert contents(found) == [XML, OTHER, XML]
    assert len({document.path for document in found.documents}) == 3


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\0\0"])
def test_archives_of_two_kinds_behind_each_other_are_both_read(between: bytes) -> None:
    other = gzip.compress(OTHER)

    assert contents(search_file(GZ + between + zip_of((REPORT_NAME, OTHER)))) == [XML, OTHER]
    assert contents(search_file(ZIP + between + other)) == [XML, OTHER]
    assert contents(search_file(ZIP + ZIP + between + other + other)) == [XML, XML, OTHER, OTHER]
    found = search(mail(part(ZIP + between + other, name="r.zip")))
    assert [(one.path, one.repairs) for one in found.documents] == [
        (f"1/1/{REPORT_NAME}", ("one-of-several",)),
        ("1/2", ("one-of-several",)),
    ]


def test_a_zip_in_a_gzip_that_compresses_nothing_is_read_once() -> None:
    stored = zlib.compressobj(0, zlib.DEFLATED, 31)

    assert contents(search_file(stored.compress(ZIP) + stored.flush())) == [XML]


def test_an_archive_stored_in_an_archive_is_read_once() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inner.zip", ZIP)
        archive.writestr("b.xml", OTHER)

    assert contents(search_file(out.getvalue())) == [XML, OTHER]


def test_many_archives_behind_each_other_are_bounded() -> None:
    found = search_file(ZIP * 1500, limits=Limits(max_members=50))

    assert len(found.documents) == 50
    assert refusals(found) == [Reason.TOO_MANY_MEMBERS]


@pytest.mark.parametrize("level", [1, 6, 9])
def test_a_zlib_stream_under_a_gzip_s_name_is_read(level: int) -> None:
    found = search(mail(part(zlib.compress(XML, level), "application/gzip", name="r.xml.gz")))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("deflate-frame",)


def test_raw_deflate_under_a_gzip_s_name_is_read() -> None:
    deflater = zlib.compressobj(wbits=-15)

    assert contents(search_file(deflater.compress(XML) + deflater.flush(), "r.xml.gz")) == [XML]


def test_a_zlib_stream_in_base64_that_nobody_declared_is_read() -> None:
    body = base64.encodebytes(zlib.compress(XML))

    assert contents(search(mail(part(body, "application/gzip", name="r.xml.gz", encoding="7bit")))) == [XML]


def test_frames_in_frames_are_read_to_the_limit() -> None:
    data = base64.encodebytes(gzip.compress(zip_of(("a", zlib.compress(gzip.compress(XML))))))

    assert contents(search_file(gzip.compress(data))) == [XML]
    assert refusals(search_file(gzip.compress(data), limits=Limits(max_depth=3))) == [Reason.TOO_DEEP]


def test_a_zlib_bomb_is_stopped_by_its_ratio() -> None:
    bomb = zlib.compress(b"<feedback>" + b" " * 30_000_000)

    assert refusals(search_file(bomb)) == [Reason.RATIO_TOO_HIGH]


def test_a_gzip_with_something_behind_it_is_read() -> None:
    assert contents(search_file(GZ + b"\x00\x00garbage", "r.xml.gz")) == [XML]


def _signed(content: bytes, *, options: tuple[pkcs7.PKCS7Options, ...] = (pkcs7.PKCS7Options.Binary,)) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dmarc.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    ).sign(key, hashes.SHA256())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, list(options))


ENTITY = mail(text(), part(GZ, "application/gzip", name="r.xml.gz"))
BODY = b"Content-Type: multipart/mixed" + ENTITY.partition(b"Content-Type: multipart/mixed")[2]


@pytest.mark.parametrize(
    "data",
    [_signed(BODY), signed_in_ber(BODY), signed_in_ber(BODY, nested=True), _signed(ENTITY), _signed(GZ)],
    ids=["der", "ber", "ber in ber", "a whole mail", "no mail"],
)
@pytest.mark.parametrize("declared", ["application/pkcs7-mime; smime-type=signed-data", "application/octet-stream"])
def test_what_was_signed_is_read(data: bytes, declared: str) -> None:
    assert contents(search(single(part(data, declared, name="smime.p7m")))) == [XML]


@pytest.mark.parametrize("label", ["PKCS7", "CMS", "PKCS #7 SIGNED DATA"])
def test_a_signed_mail_in_pem_is_read(label: str) -> None:
    body = base64.encodebytes(_signed(BODY)).decode()
    pem = f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()

    assert contents(search(single(part(pem, "application/pkcs7-mime", name="smime.p7m", encoding="7bit")))) == [XML]
    assert contents(search_file(pem, "smime.p7m")) == [XML]


def test_a_detached_signature_under_a_strange_label_is_passed_over() -> None:
    signature = _signed(BODY, options=(pkcs7.PKCS7Options.DetachedSignature,))
    found = search(mail(part(signature, "application/octet-stream", name="smime.bin"), part(GZ)))

    assert contents(found) == [XML]
    assert refusals(found) == []


@pytest.mark.parametrize("kept", [30, 60, 100, 300])
def test_a_signed_mail_that_was_cut_is_refused(kept: int) -> None:
    found = search(single(part(_signed(BODY)[:kept], "application/pkcs7-mime", name="smime.p7m")))

    assert refusals(found) == [Reason.TRUNCATED_CONTAINER]


def test_signed_mails_in_signed_mails_end() -> None:
    data = BODY
    for _ in range(8):
        data = b"Content-Type: application/pkcs7-mime\r\n\r\n" + signed_in_ber(data)

    assert refusals(search(data)) == [Reason.TOO_DEEP]


CLOSED = {
    "a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(40),
    "a.rar": b"Rar!\x1a\x07\x00" + bytes(40),
    "winmail.dat": b"\x78\x9f\x3e\x22" + bytes(40),
    "a.zip": with_central(zip_of(("a.doc", b"words")), offset=8, value=b"\x01\x00"),
    "cut.zip": zip_of(("a.doc", b"words"))[:40],
    "cut.gz": gzip.compress(b"words" * 99)[:-10],
    "bent.gz": gzip.compress(b"words" * 99)[:-8] + bytes(8),
    "a.zipx": with_central(zip_of(("a.doc", b"words")), offset=10, value=struct.pack("<H", 95)),
}


def _from(sender: str, *parts: bytes, subject: str) -> bytes:
    return mail(*parts, subject=subject).replace(b"Reporter <dmarc@mail.example>", sender.encode())


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("sender", ["jo@example.com", "MAILER-DAEMON@example.com"])
def test_a_container_that_stays_shut_in_an_ordinary_mail_is_none_of_ours(name: str, sender: str) -> None:
    found = search(_from(sender, text(), part(CLOSED[name], name=name), subject="holiday pictures"))

    assert (found.documents, refusals(found)) == ((), [])


@pytest.mark.parametrize("name", CLOSED)
def test_the_same_in_a_mail_that_looks_like_a_report_is_refused(name: str) -> None:
    shut = part(CLOSED[name], name=name)

    assert len(refusals(search(_from("jo@example.com", shut, subject="Report Domain: example.com")))) == 1
    assert len(refusals(search(_from("noreply-dmarc-support@google.com", shut, subject="hello")))) == 1
    named = part(CLOSED[name], name=f"mail.example!example.com!1739318400!1739404799{name[1:]}")
    assert len(refusals(search(_from("jo@example.com", named, subject="hello")))) == 1


def test_text_that_is_no_archive_under_an_archive_s_name_is_said_to_be_not_understood() -> None:
    found = search(mail(part(b"=ybegin line=128 size=9 name=r.xml.gz\n*abc\n", name="r.xml.gz", encoding="7bit")))

    assert refusals(found) == [Reason.NOT_UNDERSTOOD]
    assert ignored(found) == []
