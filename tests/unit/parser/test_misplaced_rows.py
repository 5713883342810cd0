"""Rows that stand where no report has them are read or refused; a report is never stored as empty."""

import pytest

from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from tests.support.both_ways import said, said_through_the_tree
from tests.support.reports import METADATA, POLICY, RECORD, changed, read_xml, report_xml

ROW = RECORD.removeprefix("<record>").removesuffix("</record>")
EVALUATED = RECORD[RECORD.index("<policy_evaluated>") : RECORD.index("</row>")]


@pytest.mark.parametrize("wrapper", ["records", "Records", "record_list", "rows", "feedback"])
def test_records_in_an_element_of_their_own_are_read(wrapper: str) -> None:
    report, rows = read_xml(report_xml(records=f"<{wrapper}>{RECORD}<!-- two -->{RECORD}</{wrapper}>{RECORD}"))

    assert (report.records, report.messages, len(rows)) == (3, 9, 3)
    assert Repair.RECORDS_WRAPPED in report.repairs


@pytest.mark.parametrize(
    "records",
    [
        ROW,
        ROW * 2,
        f"<records>{ROW}</records>",
        f"<records><page>{RECORD}</page></records>",
        f"<records><count>1</count>{RECORD}</records>",
        f"<feedback>{METADATA}{POLICY}{RECORD}</feedback>",
        f"<record><rows>{ROW}</rows></record>",
        f"<record><source_ip>192.0.2.1</source_ip><count>3</count>{EVALUATED}</record>",
        f"<record><row>{EVALUATED}</row><source_ip>192.0.2.1</source_ip><count>3</count></record>",
        "<record><row><source_ip>192.0.2.1</source_ip></row><count>3</count></record>",
        f"<record>{RECORD}{RECORD}</record>",
        '<record source_ip="192.0.2.1" count="3"/>',
        '<record><row source_ip="192.0.2.1" count="3"/></record>',
        RECORD + '<record><row><source_ip>192.0.2.1</source_ip><data count="3"/></row></record>' * 2,
        RECORD + "<record><row><data><source_ip>192.0.2.1</source_ip><count>3</count></data></row></record>",
    ],
)
def test_rows_that_stand_anywhere_else_refuse_the_report(records: str) -> None:
    document = report_xml(records=records)

    with pytest.raises(Rejected) as refused:
        read_xml(document)

    assert refused.value.reason is Reason.RECORDS_LOST
    assert said(document) == said_through_the_tree(document) == ("refused",)


@pytest.mark.parametrize(
    "document",
    [
        report_xml(records="").replace("</feedback>", "</feedback>" + RECORD),
        report_xml(records=RECORD).replace("</feedback>", "</feedback>" + RECORD),
        report_xml(records="").replace("<feedback>", RECORD + "<feedback>"),
        f"<report>{report_xml(records='')}<rows>{ROW}</rows></report>",
        report_xml(records="") + "<D:Record><Row/></D:Record>",
    ],
)
def test_rows_before_or_behind_the_report_refuse_it(document: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_xml(document)

    assert refused.value.reason is Reason.RECORDS_LOST


IDENTIFIERS = RECORD[RECORD.index("<identifiers>") : RECORD.index("<auth_results>")]
RESULTS = RECORD[RECORD.index("<auth_results>") : RECORD.index("</record>")]


@pytest.mark.parametrize(
    "record",
    [
        RECORD.replace(EVALUATED, "").replace("</row>", "</row>" + EVALUATED),
        RECORD.replace(IDENTIFIERS, "").replace("</row>", IDENTIFIERS + "</row>"),
        RECORD.replace(RESULTS, "").replace("</row>", RESULTS + "</row>"),
    ],
)
def test_a_section_of_a_record_that_stands_in_another_place_of_it_is_read(record: str) -> None:
    document = report_xml(records=record * 3)

    report, rows = read_xml(document)

    assert rows == read_xml(report_xml(records=RECORD * 3))[1]
    assert report.repairs == (Repair.MISPLACED_SECTION,)
    assert said(document) == said(document) == said_through_the_tree(document)


def test_sections_in_their_place_come_before_those_that_are_not() -> None:
    other = IDENTIFIERS.replace("example.com", "example.net")

    report, [row] = read_xml(report_xml(records=RECORD.replace("</row>", other + "</row>")))

    assert (row.header_from, Repair.MISPLACED_SECTION in report.repairs) == ("example.com", False)


@pytest.mark.parametrize("section", ["report_metadata", "policy_published", "date_range"])
def test_rows_in_the_header_refuse_the_report(section: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_xml(changed(f"</{section}>", f"{RECORD}</{section}>"))

    assert refused.value.reason is Reason.RECORDS_LOST


@pytest.mark.parametrize("inside", ["org_name", "email", "begin", "domain", "p"])
def test_a_report_without_records_that_has_rows_in_its_header_is_refused(inside: str) -> None:
    document = report_xml(records="").replace(f"</{inside}>", f"{RECORD}</{inside}>", 1)

    with pytest.raises(Rejected) as refused:
        read_xml(document)

    assert refused.value.reason is Reason.RECORDS_LOST


@pytest.mark.parametrize(
    "extension",
    [
        f"<extension>{RECORD}</extension>",
        f"<x:data xmlns:x='urn:x' xmlns='urn:x'>{RECORD}</x:data>",
        "<whatever><something>else</something></whatever>",
    ],
)
def test_an_extension_may_hold_what_it_likes(extension: str) -> None:
    report, rows = read_xml(report_xml(records=RECORD + extension))

    assert (report.records, len(rows)) == (1, 1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("sourceIp", "source_ip"), ("SourceIP", "source_ip"), ("source-ip", "source_ip"), ("headerFrom", "header_from")],
)
def test_names_joined_otherwise_are_understood(written: str, meant: str) -> None:
    report, [row] = read_xml(report_xml().replace(f"{meant}>", f"{written}>"))

    assert (row.source_ip, row.header_from) == ("192.0.2.1", "example.com")
    assert report.repairs == (Repair.ELEMENT_NAME_CASE,)


def test_wrapped_records_say_the_same_both_ways() -> None:
    document = report_xml(records=RECORD + f"<records>{RECORD * 5}</records>" + RECORD * 3)

    assert said(document) == said(document) == said_through_the_tree(document)
    assert len(said(document)[1]) == 9


@pytest.mark.parametrize(
    "odd",
    [
        "<source_ip>[IPv6:2001:db8::1]</source_ip>",
        "<source_ip>192.0.2.1</source_ip><source_ip>192.0.2.1</source_ip>",
        "<source_ip>192.0.2.1</source_ip><source_ip>192.0.2.2</source_ip>",
        "<source_ip>192.0.2.1, 192.0.2.2</source_ip>",
        "<Source_IP>192.0.2.1</Source_IP>",
    ],
)
def test_odd_values_say_the_same_both_ways(odd: str) -> None:
    strange = RECORD.replace("<source_ip>192.0.2.1</source_ip>", odd)
    document = report_xml(records=RECORD * 3 + strange * 3 + RECORD)

    assert said(document) == said(document) == said_through_the_tree(document)
