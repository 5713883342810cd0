"""Mbox files inside of something: every mail of them is searched, within the limits of the whole."""

import gzip
from collections.abc import Callable
from io import BytesIO

import pytest

from extractor.mbox import LINE, numbered_mails
from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from tests.support.archives import zip_of
from tests.support.finding import contents, line_at, refusals, search, search_file
from tests.support.mails import aggregate_xml, failure_mail, mail, part, text

FROM_LINE = b"From dmarc@mail.example Wed Feb 12 16:00:00 2025\n"
XML = [aggregate_xml(records=count) for count in (1, 2, 3)]
MAILS = [mail(text(), part(gzip.compress(xml), name="r.xml.gz")) for xml in XML]


def _mbox(*mails: bytes, line_end: bytes = b"\r\n") -> bytes:
    return b"\n".join(FROM_LINE + one for one in mails).replace(b"\r\n", line_end)


MBOX = _mbox(*MAILS)


@pytest.mark.parametrize(
    ("data", "path"),
    [(gzip.compress(MBOX), "0"), (zip_of(("inbox", MBOX)), "0/inbox")],
    ids=["gzip", "zip"],
)
def test_every_mail_of_an_mbox_in_an_archive_is_searched(data: bytes, path: str) -> None:
    found = search_file(data)

    assert contents(found) == XML
    assert [document.path for document in found.documents] == [f"{path}/{number}/2" for number in (1, 2, 3)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("declared_type", ["application/mbox", "application/octet-stream", "message/rfc822"])
def test_every_mail_of_an_attached_mbox_is_searched(declared_type: str, pack: Callable[[bytes], bytes]) -> None:
    found = search(mail(text(), part(pack(MBOX), declared_type), boundary="outer", subject="old reports"))

    assert contents(found) == XML
    assert sorted(line.path for line in found.lines) == ["1", "2/1/1", "2/1/2", "2/2/1", "2/2/2", "2/3/1", "2/3/2"]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", [b"", b"\r\n\n"], ids=["nothing before", "blank lines before"])
def test_an_mbox_is_divided_whatever_its_line_ends(line_end: bytes, before: bytes) -> None:
    assert contents(search_file(gzip.compress(before + _mbox(*MAILS, line_end=line_end)))) == XML


@pytest.mark.parametrize("length", [LINE - 2, LINE - 1, LINE, LINE + 1, 2 * LINE, 3 * LINE])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_an_mbox_is_divided_wherever_a_read_ends(length: int, line_end: bytes) -> None:
    padding = b"x" * (length - len(FROM_LINE) - 2 * len(line_end)) + 2 * line_end
    mails = [FROM_LINE + padding, FROM_LINE + line_end, FROM_LINE + b"last"]

    assert [one for _, one in numbered_mails(BytesIO(b"".join(mails)), max_bytes=length)] == mails


def test_an_mbox_of_one_mail_has_the_path_of_that_mail() -> None:
    assert search_file(gzip.compress(_mbox(MAILS[0]))).documents[0].path == "0/2"


def test_a_mail_that_quotes_an_mbox_is_not_divided() -> None:
    quoting = mail(text("As it was:\r\n\r\n" + FROM_LINE.decode()), part(gzip.compress(XML[0])))

    assert contents(search_file(gzip.compress(quoting))) == [XML[0]]


def test_a_line_that_begins_with_from_and_has_no_date_does_not_divide() -> None:
    chatty = mail(text("Hello,\r\n\r\nFrom now on, all is well."), part(gzip.compress(XML[0])))

    assert contents(search_file(gzip.compress(_mbox(chatty, MAILS[1])))) == XML[:2]


def test_a_failure_report_in_an_mbox_has_the_path_and_size_of_its_mail() -> None:
    found = search_file(gzip.compress(_mbox(MAILS[0], failure_mail())))

    assert found.documents[1].path == "0/2"
    assert line_at(found, "0/2").size == len(FROM_LINE + failure_mail())


def test_the_mails_of_an_mbox_share_the_limit_of_parts() -> None:
    found = search_file(gzip.compress(_mbox(*MAILS * 1000)), limits=Limits(max_parts=4))

    assert contents(found) == XML[:2]
    assert refusals(found) == [Reason.TOO_MANY_PARTS]
    assert len(found.lines) == 5


def test_an_mbox_counts_as_one_layer() -> None:
    nested = gzip.compress(_mbox(*MAILS))

    assert contents(search_file(nested, limits=Limits(max_depth=3))) == XML
    assert refusals(search_file(nested, limits=Limits(max_depth=1))) == [Reason.TOO_DEEP]


def test_a_hostile_line_after_a_blank_one_is_judged_in_linear_time() -> None:
    hostile = FROM_LINE + MAILS[0] + b"\nFrom " + b"11:11 " * 200_000 + b"\n"

    assert contents(search_file(gzip.compress(hostile))) == [XML[0]]
