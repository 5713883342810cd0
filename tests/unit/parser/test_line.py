"""The line of `dmarq parse`, and reports as JSON."""

import gzip
import json

from parser.kinds.registry import read
from parser.line import as_json, line_of_reading, line_of_rejection
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected
from tests.support.reports import BEGIN, END, RECORD, report_xml, tls_tree


def reading_of(document: str):
    return read(gzip.compress(document.encode()), format=DocumentFormat.XML)


def test_the_line_of_a_valid_report_has_its_facts():
    with reading_of(report_xml()) as reading:
        line = line_of_reading(reading, file="a.xml", part="1")

    assert line == {
        "file": "a.xml",
        "part": "1",
        "outcome": "valid",
        "reason": None,
        "detail": "",
        "kind": "aggregate",
        "org_name": "Example Receiver",
        "report_id": "r-1",
        "domain": "example.com",
        "begin": BEGIN,
        "end": END,
        "records": 1,
        "messages": 3,
        "repairs": [],
        "details": [],
    }


def test_a_repair_of_the_container_makes_a_report_repaired_too():
    with reading_of(report_xml(records="")) as reading:
        line = line_of_reading(reading, file="a", part="", repairs=("trailing-garbage",))

    assert (line["outcome"], line["repairs"]) == ("repaired", ["trailing-garbage", "no-records"])


def test_a_refused_document_has_a_line_with_its_reason():
    line = line_of_rejection(Rejected(Reason.NOT_WELL_FORMED), file="a", part="2/b.xml")

    assert (line["outcome"], line["reason"], line["report_id"]) == ("refused", "not_well_formed", None)
    assert json.loads(json.dumps(line)) == line


def test_a_mail_without_report_is_no_failure():
    line = line_of_rejection(Rejected(Reason.NO_REPORT_FOUND), file="a", part="")

    assert line["outcome"] == "not_a_report"


def test_the_full_line_holds_the_whole_report():
    with reading_of(report_xml(records=RECORD * 2)) as reading:
        line = json.loads(json.dumps(line_of_reading(reading, file="a", part="", is_full=True)))

    assert line["report"]["policy"]["p"] == "reject"
    assert [row["count"] for row in line["report"]["rows"]] == [3, 3]
    assert line["report"]["rows"][0]["dkim_results"] == [
        {"domain": "example.com", "selector": "s1", "result": "pass", "human_result": None}
    ]


def test_rows_can_be_bounded():
    with reading_of(report_xml(records=RECORD * 5)) as reading:
        bounded = as_json(reading, max_rows=2)

    assert (len(bounded["rows"]), bounded["rows_left_out"]) == (2, 3)


def test_a_tls_report_has_no_rows():
    document = gzip.compress(json.dumps(tls_tree()).encode())

    with read(document, format=DocumentFormat.JSON) as reading:
        whole = as_json(reading)

    assert "rows" not in whole
    assert whole["policies"][0]["failures"][0]["result_type"] == "certificate-expired"
