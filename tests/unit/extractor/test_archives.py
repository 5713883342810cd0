"""Archives that lie or are damaged: read where the content proves itself, refused by name where it does not."""

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
import zlib

import pytest

from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.reasons import Reason
from tests.support.archives import streamed_zip, tar_of, with_central, zip_of
from tests.support.finding import contents, refusals, search, search_file
from tests.support.mails import aggregate_xml, mail, part
from tests.support.reports import tls_tree

XML = aggregate_xml(records=20)
GZ = gzip.compress(XML, mtime=0)
ZIP = zip_of(("r.xml", XML))


def _bytes_at(data: bytes, at: int, value: bytes) -> bytes:
    at %= len(data)
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize("trailing", [b"\r\n", b"\x00" * 512, b"garbage", b"\n-- \nsignature"])
def test_bytes_behind_a_gzip_are_dropped_and_noted(trailing: bytes) -> None:
    found = search_file(GZ + trailing, "r.xml.gz")

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("gzip-trailing-bytes",)


def test_a_gzip_of_several_members_is_one_document() -> None:
    found = search_file(gzip.compress(XML[:100]) + gzip.compress(XML[100:]))

    assert contents(found) == [XML]
    assert found.blobs[0].count(b"\x1f\x8b\x08") == 1


@pytest.mark.parametrize("gap", [b"\r\n", b"\x00" * 512, b" \t\n", b"\n\x00\n"])
def test_a_gzip_member_behind_a_gap_is_a_member_and_the_gap_is_noted(gap: bytes) -> None:
    members = (gzip.compress(XML[:100]), gzip.compress(XML[100:200]), gzip.compress(XML[200:]))
    found = search_file(gap.join(members) + gap)

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("gzip-trailing-bytes",)


@pytest.mark.parametrize("gap", [b"", b"\r\n"])
def test_a_second_gzip_member_that_is_cut_is_refused_with_or_without_a_gap(gap: bytes) -> None:
    cut = gzip.compress(XML[100:])[:-9]

    assert refusals(search_file(gzip.compress(XML[:100]) + gap + cut)) == [Reason.TRUNCATED_CONTAINER]


def test_a_gzip_behind_words_is_not_a_member() -> None:
    found = search_file(GZ + b"\nsignature\n" + GZ)

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("gzip-trailing-bytes",)


def test_line_ends_before_a_gzip_are_dropped_and_noted() -> None:
    found = search_file(b"\r\n" + GZ)

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("gzip-leading-bytes",)


def test_a_clean_gzip_travels_as_it_is() -> None:
    assert search_file(GZ).blobs == (GZ,)


def test_a_deflated_zip_member_is_not_compressed_again() -> None:
    at = ZIP.index(b"r.xml") + 5
    blob = search_file(ZIP).blobs[0]

    assert blob[10:-8] == ZIP[at : at + len(blob) - 18]


@pytest.mark.parametrize("kept", [1, 12, 60, len(GZ) - 9, len(GZ) - 8, len(GZ) - 1])
def test_a_truncated_gzip_is_refused(kept: int) -> None:
    refused = refusals(search_file(GZ[:kept], "r.gz"))

    assert refused == [Reason.TRUNCATED_CONTAINER if kept > 1 else Reason.NOT_UNDERSTOOD]


@pytest.mark.parametrize("at", [-8, -4, 30, 60], ids=["crc", "length", "deflate", "deflate"])
def test_a_gzip_with_a_changed_byte_is_refused(at: int) -> None:
    broken = _bytes_at(GZ, at, bytes([GZ[at % len(GZ)] ^ 0x55]))

    assert refusals(search_file(broken))[0] in (Reason.CORRUPT_CONTAINER, Reason.TRUNCATED_CONTAINER)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_is_read_with_each_method_the_standard_library_writes(method: int) -> None:
    assert contents(search_file(zip_of(("r.xml", XML), method=method))) == [XML]


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (1, Reason.UNSUPPORTED_COMPRESSION),
        (9, Reason.UNSUPPORTED_COMPRESSION),  # deflate64
        (93, Reason.UNSUPPORTED_COMPRESSION),  # zstd
        (95, Reason.UNSUPPORTED_COMPRESSION),  # xz
        (99, Reason.ENCRYPTED),  # AES
        (12, Reason.CORRUPT_CONTAINER),  # says bzip2, is deflate
        (14, Reason.CORRUPT_CONTAINER),
    ],
)
def test_a_zip_method_that_cannot_be_read_is_refused_by_name(method: int, reason: Reason) -> None:
    assert refusals(search_file(with_central(ZIP, offset=10, value=struct.pack("<H", method)))) == [reason]


def test_a_zip_whose_lzma_dictionary_is_huge_is_refused_before_it_is_allocated() -> None:
    archive = zip_of(("r.xml", XML), method=zipfile.ZIP_LZMA)
    at = archive.index(b"\x05\x00", archive.index(b"r.xml")) + 3

    assert refusals(search_file(_bytes_at(archive, at, b"\xff\xff\xff\xff"))) == [Reason.UNSUPPORTED_COMPRESSION]


def test_an_encrypted_zip_is_refused() -> None:
    assert refusals(search_file(with_central(ZIP, offset=8, value=b"\x01\x00"))) == [Reason.ENCRYPTED]


def test_a_zip_encrypted_by_its_local_header_alone_is_refused() -> None:
    assert refusals(search_file(_bytes_at(ZIP, 6, b"\x01\x00"))) == [Reason.ENCRYPTED]


def test_a_member_that_lies_about_its_size_is_counted_and_noted() -> None:
    found = search_file(with_central(ZIP, offset=24, value=struct.pack("<L", 5)))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("zip-size-wrong",)


def test_a_member_with_another_crc_is_refused() -> None:
    assert refusals(search_file(with_central(ZIP, offset=16, value=b"abcd"))) == [Reason.CORRUPT_CONTAINER]


@pytest.mark.parametrize("offset", [1, 5000, 0xFFFFFFF0])
def test_a_member_to_which_the_directory_does_not_lead_is_found_by_its_own_header(offset: int) -> None:
    found = search_file(with_central(ZIP, offset=42, value=struct.pack("<L", offset)))

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("zip-directory-missing",)


def test_local_names_and_sizes_that_differ_from_the_directory_do_no_harm() -> None:
    archive = _bytes_at(_bytes_at(ZIP, 18, struct.pack("<LL", 1, 1)), 30, b"z.bin")
    found = search_file(archive)

    assert contents(found) == [XML]
    assert found.documents[0].name == "r.xml"


def test_bytes_before_a_zip_move_its_offsets_and_nothing_else() -> None:
    assert contents(search_file(b"\r\n" + ZIP)) == [XML]


@pytest.mark.parametrize("after", [b"\r\n", b"x" * 70_000])
def test_bytes_behind_a_zip_do_no_harm(after: bytes) -> None:
    assert contents(search_file(ZIP + after)) == [XML]


def test_a_zip_written_as_a_stream_is_read() -> None:
    assert contents(search_file(streamed_zip("r.xml", XML))) == [XML]


@pytest.mark.parametrize("archive", [ZIP, streamed_zip("r.xml", XML)], ids=["plain", "streamed"])
def test_a_zip_that_lost_its_directory_is_read_when_its_content_proves_itself(archive: bytes) -> None:
    found = search_file(archive[: archive.index(b"PK\x01\x02")])

    assert contents(found) == [XML]
    assert found.documents[0].repairs == ("zip-directory-missing",)


def test_a_zip_cut_inside_a_member_is_refused() -> None:
    assert refusals(search_file(ZIP[: len(ZIP) // 2])) == [Reason.TRUNCATED_CONTAINER]


def test_a_zip_cut_inside_its_first_header_is_refused() -> None:
    assert refusals(search_file(ZIP[:20])) == [Reason.TRUNCATED_CONTAINER]


def test_an_empty_zip_is_refused_as_a_report() -> None:
    assert refusals(search_file(zip_of())) == [Reason.EMPTY_DOCUMENT]


def test_a_zip64_archive_is_read() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("r.xml", "w", force_zip64=True) as file,
    ):
        file.write(XML)

    assert contents(search_file(out.getvalue())) == [XML]


def test_sizes_in_the_zip64_field_are_believed_like_others() -> None:
    at = ZIP.index(b"PK\x01\x02")
    packed = struct.unpack_from("<L", ZIP, at + 20)[0]
    extra = struct.pack("<HHQQQ", 1, 24, len(XML), packed, 0)
    entry = bytearray(ZIP[at : at + 46 + 5])
    entry[20:28] = b"\xff" * 8
    entry[42:46] = b"\xff" * 4
    entry[30:32] = struct.pack("<H", len(extra))
    end = bytearray(ZIP[-22:])
    end[12:16] = struct.pack("<L", len(entry) + len(extra))

    assert contents(search_file(ZIP[:at] + bytes(entry) + extra + bytes(end))) == [XML]


def test_one_bad_member_does_not_cost_the_good_ones() -> None:
    archive = with_central(zip_of(("bad.xml", XML), ("good.xml", XML)), offset=16, value=b"abcd")
    found = search_file(archive)

    assert contents(found) == [XML]
    assert refusals(found) == [Reason.CORRUPT_CONTAINER]


@pytest.mark.parametrize(
    "data",
    [
        b"7z\xbc\xaf\x27\x1c\x00\x04",
        b"Rar!\x1a\x07\x01\x00",
        lzma.compress(XML),
        bz2.compress(XML),
        b"\x28\xb5\x2f\xfd" + bytes(20),
        b"\x1f\x9d\x90" + bytes(20),
        b"MSCF\x00\x00\x00\x00" + bytes(20),
        tar_of("r.xml", XML),
    ],
    ids=["7z", "rar", "xz", "bzip2", "zstd", "compress", "cab", "tar"],
)
def test_another_kind_of_archive_is_refused_by_name(data: bytes) -> None:
    assert refusals(search(mail(part(data, name="report.zip")))) == [Reason.UNSUPPORTED_CONTAINER]


def test_a_raw_deflate_checksum_is_that_of_the_content() -> None:
    blob = search_file(ZIP).blobs[0]

    assert struct.unpack("<LL", blob[-8:]) == (zlib.crc32(XML), len(XML))


OTHER_XML = XML.replace(b"<feedback>", b"<feedback><!-- another one -->")


@pytest.mark.parametrize("gap", [b"", b"\r\n"])
def test_gzip_members_that_are_each_a_report_are_documents_of_their_own(gap: bytes) -> None:
    assert OTHER_XML != XML
    found = search_file(GZ + gap + gzip.compress(OTHER_XML) + gap, "r.xml.gz")

    assert contents(found) == [XML, OTHER_XML]
    assert [document.path for document in found.documents] == ["0/1", "0/2"]
    assert all("one-of-several" in document.repairs for document in found.documents)


def test_gzip_members_of_other_formats_are_read_by_their_own() -> None:
    found = search_file(GZ + gzip.compress(json.dumps(tls_tree()).encode()), "r.gz")

    assert [document.format for document in found.documents] == [DocumentFormat.XML, DocumentFormat.JSON]


def test_a_report_in_several_members_before_another_report_stays_whole() -> None:
    parts = gzip.compress(XML[:100]) + gzip.compress(XML[100:])

    assert contents(search_file(parts + gzip.compress(OTHER_XML) + parts)) == [XML, OTHER_XML, XML]


@pytest.mark.parametrize("cut", [9, 40])
def test_a_last_gzip_member_that_is_cut_takes_no_other_report_with_it(cut: int) -> None:
    found = search_file(GZ + gzip.compress(OTHER_XML)[:-cut], "r.xml.gz")

    assert contents(found) == [XML]
    assert refusals(found) == [Reason.TRUNCATED_CONTAINER]
