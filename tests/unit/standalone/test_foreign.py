"""What other tools kept becomes documents that say the same as the reports that those tools were given."""

import gzip
import json
import tracemalloc
from base64 import b64encode
from collections.abc import Iterator
from email import message_from_bytes
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from dmarq.foreign import found_in
from dmarq.foreign.document import Found
from dmarq.foreign.inputs import everything
from dmarq.inputs import Input
from dmarq.parsing import lines_of
from dmarq.samples import make_mails
from pipeline.contracts.limits import Limits
from tests.support.failures import arf
from tests.support.mails import aggregate_xml

SAMPLES = Path(__file__).parents[2] / "samples" / "parsedmarc-11.1"
XML = aggregate_xml()


def kept(name: str) -> bytes:
    """A file that parsedmarc wrote."""
    return gzip.decompress((SAMPLES / f"{name}.gz").read_bytes())


def found(data: bytes, name: str = "file") -> list[Found]:
    """What is found in a file of another tool."""
    reports = found_in(BytesIO(data), name=name)
    assert reports is not None
    return list(reports)


def lines(data: bytes) -> Iterator[dict[str, Any]]:
    """What the parser says of it."""
    return (line for line in lines_of(Input("x", data), limits=Limits(), is_full=True) if line["kind"])


def facts(line: dict[str, Any]) -> tuple[Any, ...]:
    """What two tools can agree on; parsedmarc cuts a report_id at its "@"."""
    names = ("kind", "org_name", "domain", "begin", "end", "records", "messages")
    return (line["report_id"].partition("@")[0], *(line[name] for name in names))


def originals(kind: str) -> set[tuple[Any, ...]]:
    """What the emails say that parsedmarc was given."""
    raw = [mail.raw for mail in make_mails(24, seed=7)] + [arf().encode()]
    return {facts(line) for each in raw for line in lines(each) if line["kind"] == kind}


@pytest.mark.parametrize("name", ["aggregate.json", "aggregate.csv", "smtp_tls.json", "smtp_tls.csv"])
def test_each_report_of_parsedmarc_says_what_the_original_says(name: str) -> None:
    rebuilt = [line for one in found(kept(name)) for line in lines(one.data)]
    assert {facts(line) for line in rebuilt} <= originals("tls" if "tls" in name else "aggregate")
    assert len(rebuilt) == (1 if "tls" in name else 20)  # parsedmarc reads the first attachment of an email only
    assert all("rebuilt" in line["repairs"] for line in rebuilt)


def test_rows_and_policy_of_a_rebuilt_report_are_those_of_the_original() -> None:
    by_facts = {facts(line): line["report"] for mail in make_mails(24, seed=7) for line in lines(mail.raw)}
    names = ("source_ip", "count", "disposition", "dkim", "spf", "header_from", "envelope_from")
    for one in found(kept("aggregate.json")):
        for line in lines(one.data):
            original = by_facts.get(facts(line))
            if original is not None:
                assert line["report"]["policy"]["p"] == original["policy"]["p"]
                for row, as_sent in zip(line["report"]["rows"], original["rows"], strict=True):
                    assert [row[name] for name in names] == [as_sent[name] for name in names]


@pytest.mark.parametrize("name", ["failure.json", "failure.csv"])
def test_a_failure_report_of_parsedmarc_keeps_what_failed_and_whence(name: str) -> None:
    [line] = [line for one in found(kept(name)) for line in lines(one.data)]
    assert (line["kind"], line["domain"], line["begin"]) == ("failure", "example.com", 1569934763)
    assert line["report"]["source_ip"] == "192.0.2.44"
    assert line["repairs"] == ["rebuilt"]


def test_all_kinds_in_one_object_and_lines_of_json_are_read_as_well() -> None:
    aggregate, tls = json.loads(kept("aggregate.json")), json.loads(kept("smtp_tls.json"))
    whole = json.dumps({"aggregate_reports": aggregate, "failure_reports": [], "smtp_tls_reports": tls}, indent=2)
    by_line = "\n".join(map(json.dumps, aggregate + tls))
    assert len(found(whole.encode())) == len(found(by_line.encode())) == len(aggregate) + len(tls)


def test_the_days_into_which_parsedmarc_divides_a_long_report_become_one_report_again() -> None:
    [entry, *_] = json.loads(kept("aggregate.json"))
    row = entry["records"][0]
    days = [("2026-10-01", 3), ("2026-10-02", 4), ("2026-10-03", 3)]
    entry["records"] = [
        {**row, "count": count, "normalized_timespan": True}
        | {"interval_begin": f"{day} 00:00:00", "interval_end": f"{day} 23:59:59"}
        for day, count in days
    ]
    [line] = lines(found(json.dumps([entry]).encode())[0].data)
    assert (line["records"], line["messages"]) == (1, 10)
    assert line["end"] - line["begin"] == 3 * 86400 - 1


MYSQL = rb"""-- MySQL dump 10.13
CREATE TABLE `report` (`serial` int, `org` varchar(255), `raw_xml` mediumtext);
-- what's in it
INSERT INTO `report` VALUES (1,'It\'s \\ an org','%s'),(2,'b','%s'),(3,'','%s');
"""
COPY = b"""-- PostgreSQL database dump
COPY public.report (serial, org, raw_xml) FROM stdin;
1\tIt's an org\t%s
2\t\\N\t%s
\\.
"""


def in_mysql(value: bytes) -> bytes:
    """A value in a statement of mysqldump."""
    return value.replace(b"\\", b"\\\\").replace(b"'", b"\\'").replace(b'"', b'\\"').replace(b"\n", b"\\n")


def test_reports_in_a_dump_of_mysql_come_out_as_they_came_in() -> None:
    packed = b64encode(gzip.compress(XML, mtime=0))
    dump = MYSQL % (in_mysql(XML), packed, b"0" * 80)
    dump += b"INSERT INTO `other` VALUES (0x%s,0x00);\n" % XML.hex().encode()
    assert [one.data for one in found(dump)] == [XML, gzip.compress(XML, mtime=0), XML]


def test_reports_in_a_dump_of_postgresql_come_out_as_they_came_in() -> None:
    line = XML.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\t", b"\\t")
    inserts = b"INSERT INTO report VALUES (1, '%s');\n" % XML.replace(b"'", b"''")
    dump = COPY % (line, b64encode(gzip.compress(XML, mtime=0))) + inserts
    assert [one.data for one in found(dump)] == [XML, gzip.compress(XML, mtime=0), XML]


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_gives_reports_or_reasons_and_never_an_error(seed: int) -> None:
    data = kept(["aggregate.json", "aggregate.csv", "smtp_tls.json", "failure.csv"][seed % 4])
    at = len(data) * seed // 40
    for hurt in (data[: max(at, 200)], data[:at] + b'"}]\x00\xff[[{' + data[at + 9 :], data[:200] + b"[" * 100_000):
        reports = found_in(BytesIO(hurt), name="hurt")
        for one in reports or ():
            assert one.data or one.refused


@pytest.mark.parametrize(
    "entry",
    [
        {"policy_published": 1, "report_metadata": 2},
        {"policy_published": {}, "report_metadata": {}, "records": [{}]},
        {"policy_published": {}, "report_metadata": {"begin_date": "1e999"}, "records": None},
        {"xml_schema": 1, "policies": [1]},
        {"feedback_type": {"a": 1}, "source": []},
        {"feedback_type": "x", "source": {"ip_address": "a\r\nBcc: b"}, "sample": 5, "subject": "x\r\ny: z"},
    ],
)
def test_an_entry_of_other_values_is_refused_or_read_without_an_error(entry: dict[str, Any]) -> None:
    [one] = found(json.dumps([{"xml_schema": None} | entry]).encode())
    assert one.refused or b"\nBcc" not in one.data


@pytest.mark.parametrize("start", [b'[{"xml_schema": "', b"-- MySQL dump\nINSERT INTO `r` VALUES ('<feedback>"])
def test_a_value_without_an_end_is_refused_before_it_fills_the_memory(start: bytes) -> None:
    tracemalloc.start()
    [one] = found(start + b"x" * 200_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert one.refused
    assert peak < 900_000_000  # the file itself is 200 MB of it, twice while it is made


@pytest.mark.parametrize(
    "rest",
    [
        b",x" * 100_000 + b"\n1,2,3\n",
        b"\n" + b'"\n",' * 20_000_000,
        b"\n" + b'"a"' * 100 + b',"' + b"x\n" * 50_000_000,
    ],
)
def test_a_table_of_endless_rows_or_columns_is_refused_before_it_fills_the_memory(rest: bytes) -> None:
    data = b"org_name,report_id,begin_date,source_ip_address,count,disposition" + rest
    tracemalloc.start()
    *_, last = found(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert last.refused
    assert peak < 500_000_000


@pytest.mark.parametrize(
    "header",
    [
        b"org_name,report_id,begin_date,source_ip_address,count,disposition",
        b"organization_name,report_id,policy_domain,successful_session_count",
        b"feedback_type,arrival_date,source_ip_address,auth_failure",
    ],
)
def test_a_table_with_no_more_columns_than_it_is_known_by_gives_reports_or_reasons(header: bytes) -> None:
    reports = found(header + b"\n1,2,3,4,5,6\n,,,,,\n")
    assert reports
    assert all(one.data or one.refused for one in reports)


def test_a_report_whose_rows_are_larger_than_any_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dmarq.foreign.table.MAX_REPORT", 10_000)
    sizes = [bool(one.refused) for one in found(kept("aggregate.csv"))]
    whole = [bool(one.data) for one in found(kept("aggregate.csv").replace(b"pass", b"p" * 9_000))]
    assert any(sizes) is False
    assert not all(whole)


def test_a_failure_report_is_put_together_at_once_whatever_its_sample_says() -> None:
    """What stands between the parts is in none of them, also where somebody knew what it begins with."""
    for start in ("=_rebuilt_by_dmarq_", "--=_rebuilt_"):
        sample = f"Subject: x\n\n{start}{'_' * 5_000_000}\n--{start}--\n"
        entry = {"feedback_type": "auth-failure", "source": {"ip_address": "192.0.2.1"}, "sample": sample}
        [one] = found(json.dumps([entry]).encode())
        mail = message_from_bytes(one.data)
        assert [part.get_content_type() for part in mail.get_payload()] == [  # type: ignore[union-attr]
            "text/plain", "message/feedback-report", "message/rfc822",
        ]  # fmt: skip
        assert sample.encode() in one.data
        assert (mail.get_boundary() or "") not in sample


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hush@127.0.0.1:1/kept",
        "postgresql://127.0.0.1:1/kept?user=me&password=hush",
        "postgresql://me:hush@127.0.0.1:1/kept?options=a@b",
        "postgresql://me:hush@[::1/kept",
    ],
)
def test_a_database_is_told_of_without_its_password(url: str) -> None:
    [one] = everything([url], max_bytes=1000)
    assert one.error
    assert "hush" not in f"{one.label} {one.error}"


def test_what_is_no_file_of_another_tool_is_left_to_those_who_read_reports(tmp_path: Path) -> None:
    for data in (XML, arf().encode(), b"", b'{"organization-name": "x"}', b"a,b\n", b"\x00COPY"):
        assert found_in(BytesIO(data), name="x") is None
    (tmp_path / "a.xml").write_bytes(XML)
    assert list(everything([str(tmp_path)], max_bytes=10**6)) == [Input(str(tmp_path / "a.xml"), XML)]
