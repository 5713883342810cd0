"""A line of `dmarq parse` says what exactly was changed or refused, and there is one for each report of a file."""

from typing import Any

import pytest

from dmarq.parsing import ParseLine, parse_file
from pipeline.contracts.limits import Limits
from tests.support.failures import FIELDS, arf
from tests.support.reports import METADATA, POLICY, RECORD, changed, report_xml


def lines_of(document: str) -> list[dict[str, Any]]:
    lines = list(parse_file(document.encode(), file="a", limits=Limits(), is_full=False))
    for line in lines:
        ParseLine.model_validate(line)
    return lines


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        (
            report_xml(policy=POLICY.replace("example.com", "<![CDATA[<example.com>]]>")),
            {
                "repair": "domain-form",
                "where": "policy_published/domain",
                "sent": "<example.com>",
                "given": "example.com",
            },
        ),
        (
            report_xml(records=RECORD + RECORD.replace("<count>3", "<count>1,000")),
            {"repair": "count-form", "where": "record/2/row/count", "sent": "1,000", "given": "1000"},
        ),
        (
            changed("<begin>1700000000", "<begin>20231114"),
            {"repair": "date-format", "where": "date_range/begin", "sent": "20231114", "given": "1699920000"},
        ),
        (
            changed("192.0.2.1", "nowhere"),
            {"repair": "unreadable-source-ip", "where": "record/1/row/source_ip", "sent": "nowhere", "given": None},
        ),
        (
            arf(fields=FIELDS.replace("Incidents: 3", "Incidents: many")),
            {"repair": "unreadable-value", "where": "incidents", "sent": "many", "given": None},
        ),
    ],
)
def test_a_repair_says_which_value_it_changed_from_what_to_what(document: str, detail: dict[str, str]) -> None:
    [line] = lines_of(document)

    assert line["outcome"] == "repaired"
    assert detail["repair"] in line["repairs"]
    assert line["details"] == [detail]


def test_of_many_repairs_alike_the_first_ones_are_told() -> None:
    [line] = lines_of(report_xml(records=RECORD.replace("192.0.2.1", "nowhere" * 100) * 500))

    assert [detail["where"] for detail in line["details"]] == [f"record/{n}/row/source_ip" for n in (1, 2, 3)]
    assert all(len(detail["sent"]) <= 200 for detail in line["details"])


def test_a_refusal_says_what_exactly_was_refused() -> None:
    [period] = lines_of(changed("<begin>1700000000", "<begin>1100000000"))
    [domain] = lines_of(report_xml(policy=POLICY.replace("example.com", "not a domain")))
    [twice] = lines_of(changed("<count>", "<count>4</count><count>"))

    assert (period["reason"], period["detail"]) == (
        "bad_period",
        "from 2004-11-09 11:33:20 to 2023-11-15 22:13:19",
    )
    assert (domain["reason"], domain["detail"]) == ("bad_value", "the policy domain is no domain name: not a domain")
    assert (twice["reason"], twice["detail"]) == ("ambiguous_report", "two different count")


def test_nothing_is_told_of_a_valid_report() -> None:
    [line] = lines_of(report_xml())

    assert (line["outcome"], line["detail"], line["details"]) == ("valid", "", [])


def test_there_is_a_line_for_each_report_of_a_file() -> None:
    another = report_xml(metadata=METADATA.replace("r-1", "r-2"))

    lines = lines_of(report_xml() + another + another[:-200])

    assert [(line["part"], line["report_id"], line["outcome"]) for line in lines] == [
        ("0/1", "r-1", "repaired"),
        ("0/2", "r-2", "repaired"),
        ("0/3", None, "refused"),
    ]
