"""What can still be seen in a document that is refused."""

import gzip
import json

import pytest

from parser.kinds.aggregate.kind import AGGREGATE
from parser.kinds.registry import read, salvage
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected
from tests.support.failures import FIELDS, arf
from tests.support.reports import BEGIN, END, METADATA, POLICY, RECORD, changed, report_xml, tls_tree

FACTS = {"org_name": "Example Receiver", "report_id": "r-1", "domain": "example.com"} | {
    "begin": str(BEGIN),
    "end": str(END),
}


def refused(document: str | bytes, format: DocumentFormat = DocumentFormat.XML) -> Rejected:
    data = document.encode() if isinstance(document, str) else document
    with pytest.raises(Rejected) as caught:
        read(gzip.compress(data), format=format)
    return caught.value


def test_a_cut_off_report_shows_its_header_and_the_records_before_the_damage() -> None:
    error = refused(report_xml(records=RECORD * 3)[:-200])

    assert error.reason is Reason.RECORDS_LOST
    assert error.salvaged == FACTS | {"records": "2"}


def test_a_huge_report_that_is_cut_off_has_its_records_counted() -> None:
    error = refused(report_xml(records=RECORD * 2000)[:-200])

    assert error.salvaged["records"] == "1999"


def test_a_report_without_an_id_shows_the_rest() -> None:
    error = refused(changed("<report_id>r-1</report_id>", ""))

    assert error.reason is Reason.MISSING_REPORT_ID
    assert error.salvaged == {name: text for name, text in FACTS.items() if name != "report_id"} | {"records": "1"}


def test_the_domain_is_the_policys_and_not_a_results() -> None:
    metadata_only = f"<feedback>{METADATA}{RECORD}</feedback>"

    assert "domain" not in refused(metadata_only).salvaged


@pytest.mark.parametrize(
    "policy",
    [
        "<policy_published><p>none</p></policy_published>",
        "<policy_published/>",
        "<policy_published><domain></domain><p>none</p></policy_published>",
        "<policy_published><p>none</p>",
    ],
)
@pytest.mark.parametrize("between", ["", "<auth_results>", "<identifiers>"])
def test_no_other_domain_is_shown_in_place_of_the_policys(policy: str, between: str) -> None:
    records = f"{policy}{between}{RECORD.replace('example.com', 'elsewhere.example')}"
    document = f"<feedback>{METADATA}{records}</feedback>"

    assert "domain" not in salvage(gzip.compress(document.encode()), kind=AGGREGATE, limits=Limits())


def test_a_report_in_utf_16_shows_what_others_show() -> None:
    document = changed("<report_id>r-1</report_id>", "").replace("UTF-8", "UTF-16").encode("utf-16")

    assert refused(document).salvaged["org_name"] == "Example Receiver"


def test_a_refused_failure_report_shows_its_fields() -> None:
    error = refused(arf(fields=FIELDS + "Source-IP: 192.0.2.99\n"), DocumentFormat.ARF)

    assert error.reason is Reason.AMBIGUOUS_REPORT
    assert error.salvaged == {
        "report_id": "report-1@receiver.example",
        "domain": "Example.com",
        "begin": "Tue, 01 Oct 2019 14:59:23 +0200",
    }


def test_prefixes_and_entities_are_seen_through() -> None:
    document = f'<d:feedback xmlns:d="x"><d:org_name>A &amp; B</d:org_name>{POLICY}'

    assert salvage(gzip.compress(document.encode()), kind=AGGREGATE, limits=Limits()) == {
        "org_name": "A & B",
        "domain": "example.com",
    }


def test_a_damaged_gzip_shows_what_comes_out_before_the_damage() -> None:
    whole = gzip.compress(report_xml(records=RECORD * 2000).encode())

    found = salvage(whole[:-40], kind=AGGREGATE, limits=Limits())

    assert found["report_id"] == "r-1"


def test_values_are_bounded_and_on_one_line() -> None:
    document = changed("<org_name>Example Receiver", "<org_name>\nA\x1b[31m\r\n" + "ä" * 300).encode()

    found = salvage(gzip.compress(document), kind=AGGREGATE, limits=Limits())

    assert found["org_name"].startswith("A[31m ää")
    assert len(found["org_name"].encode()) <= 200


def test_a_cut_off_tls_report_shows_its_header() -> None:
    error = refused(json.dumps(tls_tree())[:-30], DocumentFormat.JSON)

    assert error.salvaged == {
        "org_name": "Example Receiver",
        "report_id": "2026-01-02T00:00:00Z_example.com",
        "domain": "example.com",
        "begin": "2026-01-02T00:00:00Z",
        "end": "2026-01-02T23:59:59Z",
    }


def test_what_is_no_report_shows_nothing() -> None:
    assert refused("unused").salvaged == {}
    assert refused("Subject: x\n\nhello\n", DocumentFormat.ARF).salvaged == {}


def test_a_hostile_document_does_not_take_long() -> None:
    many = "<policy_published>" * 10_000 + "<begin" + " " * 100_000 + '"report-id":' * 1000

    assert salvage(gzip.compress(many.encode()), kind=AGGREGATE, limits=Limits()) == {}
