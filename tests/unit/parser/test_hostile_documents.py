"""Documents that mean harm: refused with a reason, in little memory and no time."""

import gzip
import tracemalloc
from contextlib import suppress

import pytest

from parser.kinds.aggregate.sections import MAX_NAMES
from parser.kinds.registry import read
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected
from tests.support.reports import METADATA, POLICY, RECORD, read_xml, report_xml

DOCTYPE = '<!DOCTYPE feedback [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
HEAD = f"<feedback>{METADATA}{POLICY}"


def reason_of(document: str | bytes, **limits: int) -> Reason:
    with pytest.raises(Rejected) as refusal:
        read_xml(document, limits=Limits(**limits))
    return refusal.value.reason


BOMB = report_xml().replace("<feedback>", f"{DOCTYPE}<feedback>").replace("Example Receiver", "&b;")


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        BOMB.encode("utf-16"),
        BOMB.encode("utf-16-le"),
        BOMB.encode("utf-8-sig"),
        " " + BOMB,
        BOMB.replace("?>", '?>"'),
        BOMB.replace("<!DOCTYPE", "<!-- hidden --><!DOCTYPE"),
        BOMB.replace("<!DOCTYPE", "<!doctype"),
        BOMB.replace("<!DOCTYPE", f"<!-- {'x' * 200_000} --><!DOCTYPE"),
        report_xml().replace("<feedback>", '<!DOCTYPE feedback SYSTEM "http://192.0.2.1/x.dtd"><feedback>'),
        report_xml().replace("<record>", f"{DOCTYPE}<record>"),
        BOMB.replace("UTF-8", "utf-7").replace("<!DOCTYPE", "+ADwAIQ-DOCTYPE"),
    ],
)
def test_any_doctype_is_refused(document):
    assert reason_of(document) in (Reason.DOCTYPE_REFUSED, Reason.NOT_WELL_FORMED)


def test_a_html_page_with_a_doctype_is_no_report():
    assert reason_of("<!DOCTYPE html><html></html>") is Reason.NO_REPORT_CONTENT


def test_an_entity_that_is_not_declared_is_text():
    assert read_xml(report_xml().replace("Example Receiver", "&xxe;"))[0].org_name == "&xxe;"


@pytest.mark.parametrize(
    "document",
    [
        HEAD + "<record>" + "<x/>" * 600_000,
        HEAD + "<error>" + "a" * 3_000_000,
        HEAD + " " * 3_000_000,
        HEAD + "<!--" + "a" * 3_000_000,
        HEAD + "<x/>" * 2_000_000 + "</feedback>",
        HEAD + "<feedback/>" * 500_000 + "</feedback>",
        "<feedback " + 'a="b" ' * 600_000,
    ],
)
def test_a_section_without_end_is_refused(document):
    assert reason_of(document) in (Reason.SECTION_TOO_LARGE, Reason.NOT_WELL_FORMED)


@pytest.mark.parametrize(
    "flood",
    [
        "".join(f"<n{i}/>" for i in range(MAX_NAMES * 2)),
        "<record " + "".join(f"a{i}='' " for i in range(MAX_NAMES * 2)) + "/>",
    ],
)
def test_a_flood_of_names_is_refused_for_they_are_never_forgotten(flood):
    assert reason_of(f"{HEAD}{flood}</feedback>") is Reason.NO_REPORT_CONTENT


@pytest.mark.parametrize(
    "document",
    [
        "<a>" * 100_000,
        HEAD + "<a>" * 100_000,
        HEAD + "<record>" * 10_000,
        " <feedback>" + "<record>" * 10_000,
    ],
)
def test_deep_nesting_is_refused(document):
    assert reason_of(document) in (
        Reason.NOT_WELL_FORMED, Reason.NO_REPORT_CONTENT, Reason.RECORDS_LOST, Reason.SECTION_TOO_LARGE,
    )  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [
        "<" * 200_000,
        "&" * 200_000,
        "<!--" * 100_000,
        "<![CDATA[" * 50_000,
        "<?" * 100_000,
        "<a " * 100_000,
        "<a" + " " * 300_000,
        "<a " + "b " * 100_000 + ">",
        "<a " + "b='" * 100_000 + ">",
        "</a>" * 100_000,
        "<unknown>" * 50_000,
        "/record>" * 50_000,
        "&#" + "9" * 200_000,
    ],
)
def test_repairing_takes_linear_time(damage):
    with suppress(Rejected):
        read_xml(f" {HEAD}<record>{damage}</record></feedback>")


@pytest.mark.parametrize("junk", ["<!--" * 300_000, "-->" * 300_000, "<?" * 300_000, "<xs:schema " * 100_000])
def test_judging_junk_before_and_behind_takes_linear_time(junk):
    assert len(read_xml(junk + report_xml() + junk)[1]) == 1


def test_more_records_than_the_limit_are_refused():
    assert reason_of(report_xml(records=RECORD * 4), max_records=3) is Reason.TOO_MANY_RECORDS


def test_more_results_than_any_record_has_are_refused():
    dkim = "<dkim><domain>a.example</domain><result>pass</result></dkim>" * 1001

    assert reason_of(report_xml().replace("<auth_results>", f"<auth_results>{dkim}")) is Reason.SECTION_TOO_LARGE


def test_more_uncompressed_bytes_than_the_limit_are_refused():
    assert reason_of(report_xml(records=RECORD * 100), max_uncompressed_bytes=10_000) is Reason.UNCOMPRESSED_TOO_LARGE


def test_damage_in_a_document_too_large_to_repair_is_refused():
    assert reason_of(f"{HEAD}{RECORD * 20_000}<record>") is Reason.NOT_WELL_FORMED


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", Reason.TRUNCATED_CONTAINER),
        (b"no gzip", Reason.CORRUPT_CONTAINER),
        (gzip.compress(report_xml().encode())[:-9], Reason.TRUNCATED_CONTAINER),
        (gzip.compress(report_xml().encode())[:40] + b"\0" * 90, Reason.CORRUPT_CONTAINER),
    ],
)
@pytest.mark.parametrize("format", DocumentFormat)
def test_a_damaged_gzip_is_refused(document, reason, format):
    with pytest.raises(Rejected) as refusal:
        read(document, format=format)

    assert refusal.value.reason is reason


def test_memory_stays_flat_however_many_records_there_are():
    document = gzip.compress(report_xml(records=RECORD * 10_000).encode(), 1)
    tracemalloc.start()

    with read(document, format=DocumentFormat.XML) as reading:
        rows = sum(1 for _ in reading.rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert rows == 10_000
    assert peak < 8 * 1024 * 1024, peak
