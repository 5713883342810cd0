"""Several whole reports in one file are several documents, each with its own bytes, number and outcome."""

import gzip
import json
from hashlib import sha256
from typing import Any

import pytest

from parser.documents import Document, ReadMail, ReadOptions, read_mails
from parser.kinds.several import MAX_REPORTS
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from tests.support.extracted import extracted, text_line
from tests.support.reports import DECLARATION, METADATA, report_xml, tls_tree


def documents_of(*files: bytes | str) -> tuple[Document, ...]:
    [mail] = read_mails([extracted(1, *files, lines=[text_line()])], ReadOptions())
    assert isinstance(mail, ReadMail)
    assert {line.path for line in mail.event.lines} == {"8", *(document.info.path for document in mail.documents)}
    return mail.documents


def told(documents: tuple[Document, ...]) -> list[Any]:
    return [d.reading.report.report_id if d.reading else d.refusal and d.refusal.reason for d in documents]


def aggregate(number: int) -> str:
    return report_xml(metadata=METADATA.replace("r-1", f"r-{number}"))


def tls(number: int) -> str:
    return json.dumps(tls_tree() | {"report-id": f"r-{number}"})


FILES = {
    "one behind the other": aggregate(1) + aggregate(2),
    "without a second declaration": aggregate(1) + "\n" + aggregate(2).removeprefix(DECLARATION),
    "in a list of reports": f"<reports>{aggregate(1)}{aggregate(2)}</reports>".replace(DECLARATION, ""),
    "with junk between and behind": aggregate(1) + "\n-- \na line & another\n" + aggregate(2) + "\n-- \nthe end",
    "JSON lines": tls(1) + "\n" + tls(2) + "\n",
    "a JSON list": f"[{tls(1)}, {tls(2)}]",
    "a JSON list with a comma too many": f"[{tls(1)}, {tls(2)},]",
    "JSON behind JSON": tls(1) + tls(2),
    "JSON with a comma between": tls(1) + ",\r\n" + tls(2),
}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES.keys())
def test_each_report_of_a_file_is_a_document(file: str) -> None:
    documents = documents_of(file)

    assert told(documents) == ["r-1", "r-2"]
    assert [document.info.path for document in documents] == ["1/report/1", "1/report/2"]
    assert all(Repair.ONE_OF_SEVERAL in document.info.repairs for document in documents)


def test_one_report_that_is_damaged_does_not_take_the_others_with_it() -> None:
    cut_off = documents_of(aggregate(1) + aggregate(2)[:-200])
    no_json = documents_of(tls(1) + "\n" + tls(2)[:-20])

    assert told(cut_off) == ["r-1", Reason.RECORDS_LOST]
    assert told(no_json) == ["r-1", Reason.NOT_WELL_FORMED]


def test_a_file_is_read_as_the_encoding_says_and_its_reports_are_utf_8() -> None:
    file = (aggregate(1) + aggregate(2)).replace("UTF-8", "Windows-1252").replace("Example Receiver", "Büro")

    documents = documents_of(file.encode("cp1252"))

    assert [document.reading.report.org_name for document in documents if document.reading] == ["Büro", "Büro"]


def test_the_bytes_of_each_document_are_its_own_report() -> None:
    for document in documents_of(aggregate(1) + aggregate(2)):
        assert document.reading is not None
        data = gzip.decompress(document.data)
        assert (len(data), sha256(data).hexdigest()) == (document.info.size, document.info.sha256)
        again = documents_of(data)
        assert told(again) == [document.reading.report.report_id]


def test_a_list_of_one_report_is_that_report() -> None:
    [document] = documents_of(f"[{tls(1)}]")

    assert document.info.path == "1/report"
    assert document.reading is not None
    assert document.reading.report.repairs == (Repair.LIST_FORM,)


def test_what_is_no_report_beside_one_is_passed_over() -> None:
    assert told(documents_of('{"a": 1}' + tls(1))) == ["r-1"]
    assert told(documents_of(f"[{{}}, {tls(1)}]")) == ["r-1"]


@pytest.mark.parametrize(
    "file", ["[]", "[1, 2]", '[{"a": 1}, {"b": 2}]', "[{}, {}]", '["policies", "report-id"]', "[[{}]]"]
)
def test_a_list_without_a_report_is_refused(file: str) -> None:
    [document] = documents_of(file)

    assert document.refusal is not None
    assert document.refusal.reason is Reason.NO_REPORT_CONTENT


@pytest.mark.parametrize(
    "file", [aggregate(1) * (MAX_REPORTS + 1), (tls(1) + "\n") * (MAX_REPORTS + 1)], ids=["xml", "json"]
)
def test_more_reports_than_the_limit_are_refused_as_one(file: str) -> None:
    [document] = documents_of(file)

    assert document.refusal is not None
    assert document.refusal.reason is Reason.TOO_MANY_MEMBERS


def test_documents_beside_it_keep_their_paths() -> None:
    documents = documents_of(aggregate(1), aggregate(2) + aggregate(3), tls(4))

    assert [document.info.path for document in documents] == ["1/report", "2/report/1", "2/report/2", "3/report"]
    assert told(documents) == ["r-1", "r-2", "r-3", "r-4"]
