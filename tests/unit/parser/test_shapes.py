"""Records of a known shape are read by position, and that changes nothing."""

import pytest
from lxml import etree

from parser.kinds.aggregate.fastpath import patterns, shapes
from parser.kinds.aggregate.texts import RecordTexts
from tests.support.both_ways import said, said_through_the_tree
from tests.support.reports import METADATA, POLICY, RECORD, read_xml, report_xml

EVALUATED, IDENTIFIERS = (
    "</spf></policy_evaluated>",
    "<identifiers><header_from>example.com</header_from></identifiers>",
)
ADDRESS, COUNT, RESULT = "<source_ip>192.0.2.1</source_ip>", "<count>3</count>", "<result>pass</result>"
SECOND = "<dkim><domain>two.example</domain><result>Fail</result></dkim>"


def with_change(old: str, new: str) -> str:
    assert old in RECORD
    return RECORD.replace(old, new)


ODD = {
    "a reason": with_change(EVALUATED, "</spf><reason><type>forwarded</type></reason></policy_evaluated>"),
    "a reason as text": with_change(EVALUATED, "</spf><reason>sampled_out</reason></policy_evaluated>"),
    "a human result": with_change(RESULT, RESULT + '<human_result lang="de">gut</human_result>'),
    "no identifiers": with_change(IDENTIFIERS, ""),
    "no results": RECORD[: RECORD.index("<auth_results>")] + "</record>",
    "two signatures": with_change("<spf><domain>", SECOND + "<spf><domain>"),
    "an empty text": with_change("<selector>s1</selector>", "<selector/>"),
    "a repeated element": with_change(COUNT, COUNT + "<count>3</count>"),
    "an extension": with_change("</row>", "</row><x:note xmlns:x='urn:x'><count>9</count></x:note>"),
    "an empty row": "<record><row/></record>",
    "other order": with_change(ADDRESS + COUNT, COUNT + ADDRESS),
    "other case": with_change("source_ip", "Source_IP"),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_record_is_read_the_same_by_position_and_by_element(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = report_xml(records=(RECORD + odd) * 3)
    by_position = read_xml(document)

    monkeypatch.setattr(shapes, "MAX_SHAPES", 0)

    assert read_xml(document) == by_position == said_through_the_tree(document)
    report, rows = by_position
    in_turn = len(rows) // 3
    assert rows == rows[:in_turn] * 3
    assert report.records == 6


def test_values_stay_with_their_records() -> None:
    records = "".join(RECORD.replace("192.0.2.1", f"192.0.2.{n}").replace("s1", f"s{n}") for n in range(1, 200))

    _, rows = read_xml(report_xml(records=records))

    assert [row.source_ip for row in rows] == [f"192.0.2.{n}" for n in range(1, 200)]
    assert [row.dkim_results[0].selector for row in rows] == [f"s{n}" for n in range(1, 200)]


def test_the_same_tags_nested_otherwise_are_another_shape() -> None:
    flat = with_change("<policy_evaluated>", "<policy_evaluated/>").replace("</policy_evaluated></row>", "</row>")

    _, rows = read_xml(report_xml(records=RECORD + flat + RECORD + flat))

    assert [row.disposition for row in rows] == ["none", None, "none", None]


def test_more_shapes_than_are_remembered_are_read_all_the_same() -> None:
    many = "".join(RECORD.replace("</auth_results>", "<spf/>" * n + "</auth_results>") for n in range(250))
    document = f"<feedback>{METADATA}{POLICY}{many}</feedback>"

    _, rows = read_xml(document)

    assert [len(row.spf_results) for row in rows] == list(range(1, 251))


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_what_a_shape_has_to_note_is_noted_in_every_report(odd: str) -> None:
    document = report_xml(records=RECORD + odd)

    assert said(document) == said(document) == said_through_the_tree(document)


def test_a_plain_shape_is_worked_out_once_for_all_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    commented = report_xml(records=RECORD.replace("<row>", "<row><!-- so it is not read from the text -->"))
    first = said(commented)

    monkeypatch.setattr(shapes.ShapedTextsReader, "_learnt", None)  # whoever worked one out would fail

    assert said(commented) == first == said_through_the_tree(commented)


def test_no_more_plain_shapes_are_remembered_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = shapes.KnownShapes()
    monkeypatch.setattr(shapes, "MAX_ORDINARY", 3)
    monkeypatch.setattr(patterns, "WORTH_IT", 0)
    known = shapes.KnownShape(
        shapes.Plan(RecordTexts(None, None, True, None, None, None, (), True, None, None, None, (), ())), is_plain=True
    )
    texts = ["<record>" + "<row/>" * number + "</record>" for number in range(5)]
    several: list[shapes.Shape] = [(("record", *("row",) * number), (0,) * number) for number in range(5)]

    for shape, text in zip(several, texts, strict=True):
        ordinary.keep(known, etree.fromstring(text), shape, "feedback")

    assert [ordinary.find(shape, "feedback") is not None for shape in several] == [False, False, False, True, True]
    assert [ordinary.patterns.at(text, 0) is not None for text in texts] == [False, False, False, True, True]
    assert ordinary.find(several[-1], "{urn:x}feedback") is None
