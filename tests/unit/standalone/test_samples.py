"""The sample mails are what they say: read again with nothing but the standard library, they add up."""

import email
import gzip
import io
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from email.policy import default
from xml.etree import ElementTree

import pytest

from dmarq.samples import SampleKind, SampleMail, make_mails, total
from pipeline.contracts.mail_events import Outcome

MAILS = list(make_mails(400, 11))


def files_in(mail: SampleMail) -> Iterator[bytes]:
    """Every file of a mail, unpacked. Text parts count as files too."""
    for part in email.message_from_bytes(mail.raw, policy=default).walk():
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):
            continue
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        else:
            yield gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def records_and_counts(xml: bytes) -> list[int]:
    root = ElementTree.fromstring(xml)
    return [int(element.text or "") for element in root.iter() if element.tag.rpartition("}")[2] == "count"]


def reports_in(mail: SampleMail) -> list[tuple[str, list[int]]]:
    """(id, counts) of each report in the mail."""
    found = []
    for file in files_in(mail):
        if file.startswith(b"<?xml"):
            root = ElementTree.fromstring(file)
            ids = [element.text or "" for element in root.iter() if element.tag.rpartition("}")[2] == "report_id"]
            found.append((ids[0], records_and_counts(file)))
        elif file.startswith(b"{"):
            report = json.loads(file)
            found.append((report["report-id"], [sum(p["summary"].values()) for p in report["policies"]]))
    return found


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert list(make_mails(400, 11)) == MAILS


def test_another_seed_gives_other_mails() -> None:
    assert {mail.raw for mail in MAILS}.isdisjoint(mail.raw for mail in make_mails(400, 12))


@pytest.mark.parametrize("n", [0, 1, 5, 19, 20, 21, 333])
def test_there_are_as_many_as_asked_for(n: int) -> None:
    assert n == len(list(make_mails(n, 1)))


@pytest.mark.parametrize("seed", range(5))
def test_twenty_mails_hold_every_kind(seed: int) -> None:
    assert set(SampleKind) == {mail.kind for mail in make_mails(20, seed)}


@pytest.mark.parametrize("kind", [kind for kind in SampleKind if kind is not SampleKind.BROKEN])
def test_reports_records_and_counts_are_those_in_the_mail(kind: SampleKind) -> None:
    for mail in (mail for mail in MAILS if mail.kind is kind):
        found = reports_in(mail) if mail.expect_outcome is Outcome.IMPORTED else []

        assert mail.reports == len(found)
        assert mail.records == sum(len(counts) for _, counts in found)
        assert mail.messages == sum(sum(counts) for _, counts in found)


def test_every_new_report_has_an_id_of_its_own() -> None:
    imported = (mail for mail in MAILS if mail.expect_outcome is Outcome.IMPORTED)
    ids = Counter(report_id for mail in imported for report_id, _ in reports_in(mail))

    assert ids.most_common(1)[0][1] == 1


def test_a_duplicate_brings_a_report_that_an_earlier_mail_has_brought() -> None:
    seen: list[tuple[str, list[int]]] = []
    for mail in MAILS:
        found = reports_in(mail) if mail.kind is not SampleKind.BROKEN else []
        if mail.kind is SampleKind.DUPLICATE:
            assert found[0] in seen
        seen += found


def test_a_broken_archive_ends_too_early() -> None:
    for mail in (mail for mail in MAILS if mail.kind is SampleKind.BROKEN):
        packed = email.message_from_bytes(mail.raw).get_payload(decode=True)
        assert isinstance(packed, bytes)
        inflate = zlib.decompressobj(31)
        inflate.decompress(packed)

        assert not inflate.eof


def test_the_periods_lie_in_the_weeks_before_the_date() -> None:
    until = date(2025, 3, 1)
    days = {mail.received.date() for mail in make_mails(100, 3, until=until)}

    assert all(0 <= (until - day).days <= 28 for day in days)


def test_the_sizes_are_those_of_real_mailboxes() -> None:
    sizes = sorted(mail.records for mail in make_mails(2000, 5) if mail.kind is SampleKind.REPORT)

    assert 2 <= sizes[len(sizes) // 2] <= 4
    assert 100 <= sizes[-1] <= 600


def test_the_totals_are_the_sums_over_the_mails() -> None:
    totals = total(MAILS)

    assert totals.mails == len(MAILS) == sum(totals.outcomes.values())
    assert totals.reports == sum(mail.reports for mail in MAILS)
    assert set(totals.outcomes) == set(Outcome)
    assert all(totals.outcomes.values())
