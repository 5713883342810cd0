"""Bombs and floods: every limit refuses with its reason, and what came before the limit is kept."""

import gzip
import subprocess
import sys
import tracemalloc
import zipfile

import pytest

from pipeline.contracts.limits import Limits, MiB
from pipeline.contracts.mailbox import AttachmentFormat, AttachmentRules
from pipeline.contracts.reasons import Reason
from tests.support.archives import gzip_bomb, with_central, zip_of
from tests.support.finding import contents, refusals, search, search_file
from tests.support.mails import aggregate_xml, mail, part, text

XML = aggregate_xml()
GZ = gzip.compress(XML)


def _limits(**changes: int) -> Limits:
    return Limits.model_validate({**Limits().model_dump(), **changes})


def test_a_mail_over_its_limit_is_refused_whole() -> None:
    raw = mail(part(GZ))

    assert refusals(search(raw, limits=_limits(max_mail_bytes=len(raw) - 1))) == [Reason.MAIL_TOO_LARGE]
    assert refusals(search(raw, limits=_limits(max_mail_bytes=len(raw)))) == []


@pytest.mark.parametrize("data", [GZ, zip_of(("r.xml", XML)), XML], ids=["gzip", "zip", "xml"])
def test_an_attachment_over_the_mailbox_limit_is_refused(data: bytes) -> None:
    raw = mail(text(), part(data))

    assert refusals(search(raw, rules=AttachmentRules(max_bytes=len(data) - 1))) == [Reason.ATTACHMENT_TOO_LARGE]
    assert contents(search(raw, rules=AttachmentRules(max_bytes=len(data)))) == [XML]


def test_a_large_picture_in_an_ordinary_mail_is_passed_over() -> None:
    raw = mail(part(b"\x89PNG" + bytes(500), "image/png"), subject="hello")

    assert refusals(search(raw, rules=AttachmentRules(max_bytes=100))) == []


def test_a_gzip_bomb_is_stopped_by_its_ratio() -> None:
    assert refusals(search(mail(part(gzip_bomb(30_000_000))))) == [Reason.RATIO_TOO_HIGH]


def test_a_high_ratio_is_honest_while_the_document_is_small() -> None:
    assert len(search(mail(part(gzip_bomb(9_000_000)))).documents) == 1


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_a_bomb_in_a_bomb_is_measured_against_what_was_sent(layers: int) -> None:
    assert refusals(search(mail(part(gzip_bomb(30_000_000, layers=layers))))) == [Reason.RATIO_TOO_HIGH]


def test_a_zip_bomb_that_lies_about_its_size_is_stopped() -> None:
    archive = zip_of(("r.xml", b"<feedback>" + b" " * 30_000_000))
    archive = with_central(archive, offset=24, value=b"\x10\x00\x00\x00")

    assert refusals(search(mail(part(archive)))) == [Reason.RATIO_TOO_HIGH]


def test_the_uncompressed_bytes_of_all_parts_of_a_mail_count_together() -> None:
    limits = _limits(max_uncompressed_bytes=len(XML) * 2 + 10)
    found = search(mail(part(GZ), part(GZ), part(GZ)), limits=limits)

    assert contents(found) == [XML, XML]
    assert refusals(found) == [Reason.UNCOMPRESSED_TOO_LARGE]


def test_members_after_the_limit_are_refused_together() -> None:
    archive = zip_of(*((f"{number}.xml", XML) for number in range(6)))
    found = search(mail(part(archive)), limits=_limits(max_members=4))

    assert [document.name for document in found.documents] == ["0.xml", "1.xml", "2.xml", "3.xml"]
    assert refusals(found) == [Reason.TOO_MANY_MEMBERS]


def test_a_directory_of_a_million_entries_is_not_read_to_its_end() -> None:
    archive = zip_of(("r.xml", XML))
    at = archive.index(b"PK\x01\x02")
    entry = archive[at : at + 46 + 5]
    count = 100_000
    end = bytearray(archive[-22:])
    end[12:16] = (len(entry) * count).to_bytes(4, "little")
    found = search_file(archive[:at] + entry * count + bytes(end))

    assert len(found.documents) == 1000
    assert refusals(found) == [Reason.TOO_MANY_MEMBERS]


def test_a_gzip_of_many_empty_members_is_stopped() -> None:
    assert refusals(search_file(gzip.compress(b"") * 2000 + GZ)) == [Reason.TOO_MANY_MEMBERS]


def test_nesting_is_read_to_its_limit_and_refused_below_it() -> None:
    data = XML
    for _ in range(5):
        data = gzip.compress(data)

    assert contents(search(mail(part(data)))) == [XML]
    assert refusals(search(mail(part(gzip.compress(data))))) == [Reason.TOO_DEEP]


def test_mails_in_mails_are_read_to_the_same_limit() -> None:
    raw = mail(part(GZ))
    for _ in range(4):
        raw = mail(part(raw, "message/rfc822", encoding=""), boundary=f"b{len(raw)}")

    assert contents(search(raw)) == [XML]
    deeper = mail(part(raw, "message/rfc822", encoding=""), boundary="outer")
    assert refusals(search(deeper)) == [Reason.TOO_DEEP]


def test_parts_after_the_limit_are_refused_together_and_reports_come_first() -> None:
    raw = mail(*[text()] * 20, part(GZ), part(XML, "text/xml"))
    found = search(raw, limits=_limits(max_parts=10))

    assert len(found.documents) == 2
    assert refusals(found) == [Reason.TOO_MANY_PARTS]
    assert len(found.lines) == 11


def test_a_flood_of_parts_is_not_walked_to_its_end() -> None:
    raw = mail(*[b"\r\nx"] * 100_000, part(GZ))

    assert refusals(search(raw)) == [Reason.TOO_MANY_PARTS]


def test_a_flood_of_nested_multiparts_ends() -> None:
    raw = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000))

    assert search(b"Subject: x\nFrom: y\n" + raw).documents == ()


def test_a_flood_of_lines_that_look_like_delimiters_ends() -> None:
    raw = mail(b"\r\n" + b"--=_boundary?\r\n" * 5000, part(GZ))

    assert search(raw).documents == ()


def test_base64_in_which_every_line_is_padded_costs_some_megabytes_only() -> None:
    raw = mail(b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QQ=\r\n" * 400_000)
    tracemalloc.start()
    search(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 4 * len(raw)


def test_the_first_in_priority_win_the_budget() -> None:
    zipped = zip_of(("z.xml", XML))
    rules = AttachmentRules(priority=(AttachmentFormat.ZIP, AttachmentFormat.GZ))
    raw = mail(part(XML, "text/xml"), part(GZ), part(zipped))
    found = search(raw, rules=rules, limits=_limits(max_parts=2))

    assert [document.path for document in found.documents] == ["3/z.xml", "2"]


@pytest.mark.parametrize("make", ["gzip_bomb(200_000_000)", "gzip_bomb(200_000_000, layers=2)", "zipped"])
def test_a_bomb_that_no_limit_stops_costs_some_megabytes_only(make: str) -> None:
    """Peak memory of a process of its own, in which a 200 MB document streams through under loose limits."""
    program = f"""
import gzip, resource, zipfile, io
from tests.support.archives import gzip_bomb
from tests.support.finding import search_file
from pipeline.contracts.limits import Limits

def zipped_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("r.xml", "w") as file:
        file.write(b"<feedback>")
        for _ in range(200):
            file.write(b" " * 1_000_000)
    return out.getvalue()

data = {"zipped_bomb()" if make == "zipped" else make}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = search_file(data, limits=Limits(max_ratio=1_000_000))
assert found.documents[0].size > 200_000_000, found.lines
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert int(grown) < 16 * 1024  # kilobytes


def test_a_refused_bomb_leaves_nothing_behind() -> None:
    raw = mail(part(gzip_bomb(60_000_000)))
    tracemalloc.start()
    search(raw)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2 * MiB
    assert kept < 256 * 1024


def test_overlapping_members_share_one_budget() -> None:
    """Fifield's bomb: many entries over the same compressed bytes."""
    archive = zip_of(("r.xml", b"<feedback>" + b" " * 5_000_000))
    at = archive.index(b"PK\x01\x02")
    entry = archive[at : at + 46 + 5]
    end = bytearray(archive[-22:])
    end[12:16] = (len(entry) * 50).to_bytes(4, "little")
    found = search_file(archive[:at] + entry * 50 + bytes(end))

    assert sum(document.size for document in found.documents) <= 10 * MiB
    assert Reason.RATIO_TOO_HIGH in refusals(found)


def test_stored_members_count_like_others() -> None:
    archive = zip_of(("a.xml", XML), ("b.xml", XML), method=zipfile.ZIP_STORED)

    assert refusals(search_file(archive, limits=_limits(max_uncompressed_bytes=len(XML) + 1))) == [
        Reason.UNCOMPRESSED_TOO_LARGE
    ]
