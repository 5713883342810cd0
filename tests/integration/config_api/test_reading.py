import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from config_api.reports import search
from config_api.reports.queries import Sort
from config_api.reports.records import RecordSort
from config_api.web.paging import MAX_LIMIT
from pipeline.contracts.events import ActivityLogged, FetchRunFinished, FetchTrigger, Level
from pipeline.contracts.mail import LineOutcome, PartLine
from pipeline.contracts.mail_events import ActResult, MailActed
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from tests.support.config_api import Api
from tests.support.extracted import FETCHED_AT, extracted, mail_ref, refused_line, text_line
from tests.support.failures import arf
from tests.support.reports import BEGIN, END, METADATA, RECORD, report_xml, tls_tree
from tests.support.stored import record, store

LATER = FETCHED_AT + timedelta(seconds=30)


def _report(number: int, *, org: str = "Example Receiver", records: str = RECORD) -> str:
    metadata = METADATA.replace("r-1", f"r-{number}").replace("Example Receiver", org)
    metadata = metadata.replace(str(BEGIN), str(BEGIN + number * 3600)).replace(str(END), str(END + number * 3600))
    return report_xml(metadata=metadata, records=records)


def _items(api: Api, path: str) -> list[dict[str, Any]]:
    answer = api("GET", path)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])  # type: ignore[index]


def test_the_way_of_a_mail_is_told_from_the_mailbox_to_what_was_done_to_it(api: Api) -> None:
    store(api.backend, extracted(1, report_xml(), lines=[text_line()]))
    mail_id = mail_ref(1).mail_id
    acted = MailActed(
        mailbox_id="box", folder="INBOX", action=Action.MOVE, target="Done", result=ActResult.DONE,
        mail_ids=(mail_id,), at=datetime.now(UTC) + timedelta(seconds=1),
    )  # fmt: skip
    record(api.backend, acted)
    trace = api("GET", f"/mails/{mail_id}").json
    assert trace is not None
    assert [step["name"] for step in trace["steps"]] == ["fetched", "stored", "acted"]
    assert (trace["mail"]["uid"], trace["mail"]["outcome"], trace["mail"]["action_state"]) == (1, "imported", "done")
    assert {line["path"]: line["outcome"] for line in trace["lines"]} == {"8": "ignored", "1/report": "stored"}
    assert [document["report"] for document in trace["documents"]] == [report["id"] for report in trace["reports"]]


@pytest.mark.parametrize("mail_id", ["nonsense", "0" * 32, "%00"])
def test_a_mail_that_is_not_there_is_not_found(api: Api, mail_id: str) -> None:
    assert api("GET", f"/mails/{mail_id}").status_code == 404


def test_mails_are_found_by_mailbox_outcome_reason_and_text(api: Api) -> None:
    store(
        api.backend,
        extracted(1, report_xml()),
        extracted(2, lines=[refused_line()]),
        extracted(3, report_xml(), mail=mail_ref(3, mailbox_id="other"), subject_line="Büro"),
        extracted(4, lines=[text_line()]),
    )
    assert [m["uid"] for m in _items(api, "/mails?outcome=failed")] == [2]
    assert [m["uid"] for m in _items(api, "/mails?reason=encrypted")] == [2]
    assert [m["uid"] for m in _items(api, "/mails?mailbox_id=other")] == [3]
    assert [m["uid"] for m in _items(api, "/mails?q=b%C3%BCro")] == [3]
    assert sorted(m["uid"] for m in _items(api, "/mails?run_id=run-1")) == [1, 2, 3, 4]
    assert api("GET", "/mails?outcome=lost").status_code == 422
    assert api("GET", "/mails?mailbox=box").status_code == 422


@pytest.mark.parametrize("sort", [each.value for each in Sort])
def test_page_by_page_every_report_comes_once_and_in_order_and_so_does_it_backwards(api: Api, sort: str) -> None:
    reports = (_report(n, org=f"Receiver {n % 2} ü", records=RECORD * (1 + n % 3)) for n in range(1, 8))
    store(api.backend, *(extracted(n, report) for n, report in enumerate(reports, start=1)))
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = api("GET", f"/reports?sort={sort}&limit=3{cursor}").json
        assert page is not None
        seen.extend(page["items"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    keys = [(report[sort.lstrip("-")], report["id"]) for report in seen]
    assert len({report["id"] for report in seen}) == 7
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert page is not None
    back = [report["id"] for report in page["items"]]
    while page["previous_cursor"] is not None:
        page = api("GET", f"/reports?sort={sort}&limit=3&cursor={page['previous_cursor']}").json
        assert page is not None
        back = [*(report["id"] for report in page["items"]), *back]
    assert back == [report["id"] for report in seen]


@pytest.mark.parametrize("cursor", ["x", "W10", "WzFd", "bnVsbA", "WyIyMDI2IiwxXQ", "%00", "é"])
def test_a_cursor_of_somebody_elses_making_is_refused_by_name(api: Api, cursor: str) -> None:
    answer = api("GET", f"/reports?cursor={cursor}")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "cursor"  # type: ignore[index]


def test_reports_are_found_by_every_filter(api: Api) -> None:
    store(
        api.backend,
        extracted(1, _report(1)),
        extracted(2, _report(2, org="Other Receiver")),
        extracted(3, json.dumps(tls_tree())),
        extracted(4, arf()),
    )
    for query, kinds in {
        "kind=tls": ["tls"],
        "kind=failure": ["failure"],
        "org_name=Other%20Receiver": ["aggregate"],
        "domain=EXAMPLE.com&kind=aggregate": ["aggregate", "aggregate"],
        "q=r-2": ["aggregate"],
        "since=2025-12-31T00:00:00Z&until=2026-01-03T00:00:00Z&kind=tls": ["tls"],
        "variant=true": [],
        "repaired=false&kind=tls": ["tls"],
        "mailbox_id=nobody": [],
    }.items():
        assert [report["kind"] for report in _items(api, f"/reports?{query}")] == kinds, query
    assert api("GET", "/reports?since=2026-01-01T00:00:00").status_code == 422


def test_one_report_is_whole_with_its_policy_and_rows(api: Api) -> None:
    store(api.backend, extracted(1, report_xml(records=RECORD * 5)))
    [summary] = _items(api, "/reports")
    report = api("GET", f"/reports/{summary['id']}").json
    assert report is not None
    assert (report["published_policy"]["p"], report["email"], report["has_document"]) == (
        "reject", "dmarc@receiver.example", True,
    )  # fmt: skip
    first = api("GET", f"/reports/{summary['id']}/records?limit=2").json
    assert first is not None
    rest = _items(api, f"/reports/{summary['id']}/records?cursor={first['next_cursor']}")
    assert [row["position"] for row in [*first["items"], *rest]] == [0, 1, 2, 3, 4]
    assert first["items"][0]["source_ip"] == "192.0.2.1"
    assert _items(api, f"/reports/{summary['id']}/records?failing=true") == []
    assert len(_items(api, f"/reports/{summary['id']}/records?dkim=pass&spf=fail&q=192.0.2")) == 5


def test_tls_and_failure_reports_come_with_their_own_parts(api: Api) -> None:
    store(api.backend, extracted(1, json.dumps(tls_tree())), extracted(2, arf()))
    by_kind = {report["kind"]: report["id"] for report in _items(api, "/reports")}
    tls = api("GET", f"/reports/{by_kind['tls']}").json
    failure = api("GET", f"/reports/{by_kind['failure']}").json
    assert tls is not None
    assert failure is not None
    assert tls["tls_policies"][0]["failures"][0]["result_type"] == "certificate-expired"
    assert failure["failure"]["feedback_type"] == "auth-failure"


def test_the_file_of_a_report_comes_as_it_was_and_is_never_shown_by_a_browser(api: Api) -> None:
    document = report_xml()
    store(api.backend, extracted(1, document))
    [report] = _items(api, "/reports")
    answer = api("GET", f"/reports/{report['id']}/document")
    assert answer.data == document.encode()
    assert answer.content_type == "application/xml"
    assert answer.headers["Content-Disposition"] == "attachment; filename=report-1.xml"
    assert api("GET", "/reports/99/document").status_code == 404


def test_a_report_that_is_not_there_is_not_found(api: Api) -> None:
    for path in ("/reports/1", "/reports/1/records", "/reports/99999999999999999999", "/reports/x"):
        assert api("GET", path).status_code == 404, path


def test_a_table_for_a_spreadsheet_holds_all_rows_and_no_formula(api: Api) -> None:
    store(api.backend, *(extracted(n, _report(n, org="=HYPERLINK(&quot;http://evil.example&quot;)")) for n in (1, 2)))
    answer = api("GET", "/reports?limit=1", headers={"Accept": "text/csv"})
    assert answer.content_type == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["report_id"] for line in lines] == ["r-2", "r-1"]
    assert lines[0]["org_name"] == '\'=HYPERLINK("http://evil.example")'
    report_id = lines[0]["id"]
    records = list(csv.DictReader(io.StringIO(api("GET", f"/reports/{report_id}/records?format=csv").text)))
    assert [(row["source_ip"], row["count"], row["dkim"]) for row in records] == [("192.0.2.1", "3", "pass")]
    assert records[0]["spf_results"] == "scope=mfrom domain=bounce.example.com result=softfail"


def test_a_json_file_holds_all_reports_and_all_rows(api: Api) -> None:
    store(api.backend, extracted(1, report_xml(records=RECORD * (MAX_LIMIT + 1))), extracted(2, _report(2)))
    for path, entries in (("/reports", 2), ("/reports/1/records", MAX_LIMIT + 1)):
        answer = api("GET", f"{path}?format=json&limit=1")
        assert "attachment" in answer.headers["Content-Disposition"]
        assert answer.json is not None
        assert (len(answer.json["items"]), answer.json["next_cursor"]) == (entries, None)
        assert answer.json["items"][0] == _items(api, f"{path}?limit=1")[0]


def test_the_log_is_that_of_imap_unless_another_one_is_asked_for(api: Api) -> None:
    lines = [
        ActivityLogged(id=source, mailbox_id="box", source=source, name="x", level=Level.INFO, at=FETCHED_AT)
        for source in ("imap", "settings")
    ]
    record(api.backend, *lines)
    assert [line["source"] for line in _items(api, "/logs")] == ["imap"]
    assert [line["source"] for line in _items(api, "/logs?source=settings")] == ["settings"]


def test_the_overview_adds_up_over_days_domains_sources_and_reporters(api: Api) -> None:
    store(api.backend, *(extracted(n, _report(n * 24)) for n in (0, 1, 2)), extracted(9, _report(24), lines=[]))
    overview = api("GET", "/summary?since=2023-11-14&until=2023-11-15").json
    assert overview is not None
    assert (overview["totals"]["reports"], overview["totals"]["messages"], overview["totals"]["passed"]) == (2, 6, 6)
    assert [(day["day"], day["messages"]) for day in overview["days"]] == [("2023-11-14", 3), ("2023-11-15", 3)]
    assert [(d["domain"], d["policy"]) for d in overview["domains"]] == [("example.com", "reject")]
    assert [(s["source_ip"], s["messages"], s["domains"]) for s in overview["sources"]] == [("192.0.2.1", 6, 1)]
    assert [(r["org_name"], r["reports"]) for r in overview["reporters"]] == [("Example Receiver", 2)]
    assert api("GET", "/summary?since=2023-11-16&until=2023-11-16").json["previous"]["messages"] == 3  # type: ignore[index]
    assert api("GET", "/summary?since=2023-11-16&until=2023-11-15").status_code == 422
    assert api("GET", "/summary?domain=other.example").json["totals"]["messages"] == 0  # type: ignore[index]


def test_sums_larger_than_any_honest_number_are_still_told(api: Api) -> None:
    huge = RECORD.replace("<count>3</count>", f"<count>{2**62}</count>")
    store(api.backend, *(extracted(n, _report(n, records=huge)) for n in (1, 2, 3)))
    overview = api("GET", "/summary?since=2023-11-14&until=2023-11-16").json
    assert overview is not None
    assert overview["totals"]["messages"] == 3 * 2**62


def test_fetch_runs_come_with_the_outcomes_of_their_mails(api: Api) -> None:
    store(api.backend, extracted(1, report_xml()), extracted(2, lines=[refused_line()]))
    record(api.backend, _run("run-1"), _run("run-2", category="authentication"))
    runs = {run["run_id"]: run for run in _items(api, "/runs")}
    assert (runs["run-1"]["imported"], runs["run-1"]["failed"], runs["run-1"]["duration_ms"]) == (1, 1, 30_000)
    assert runs["run-2"]["category"] == "authentication"
    api.add_mailbox(id="box")
    mailbox = api("GET", "/mailboxes/box").json
    assert mailbox is not None
    assert mailbox["state"]["word"] == "error"
    kinds = [entry["kind"] for entry in _items(api, "/mailboxes/box/activity")]
    assert sorted(kinds) == ["line", "run", "run"]


def test_the_imap_log_is_found_by_mailbox_level_time_and_text(api: Api) -> None:
    record(
        api.backend,
        _line("1", "connected", Level.DEBUG),
        _line("2", "login_failed", Level.ERROR, mailbox_id="other"),
        _line("3", "select", Level.INFO),
    )
    api.add_mailbox(id="main")
    assert [line["name"] for line in _items(api, "/logs")] == ["select", "login_failed", "connected"]
    assert [line["name"] for line in _items(api, "/logs?level=info")] == ["select", "login_failed"]
    assert [line["name"] for line in _items(api, "/logs?mailbox_id=other")] == ["login_failed"]
    assert [line["name"] for line in _items(api, "/logs?q=LOGIN")] == ["login_failed"]
    assert _items(api, "/logs?until=2020-01-01T00:00:00Z") == []
    first = api("GET", "/logs?limit=2").json
    assert first is not None
    assert [line["name"] for line in _items(api, f"/logs?cursor={first['next_cursor']}")] == ["connected"]


def test_page_by_page_the_activity_log_mixes_runs_and_changes_in_the_order_of_time(api: Api) -> None:
    api.add_mailbox(id="box")
    record(api.backend, *(_run(f"run-{n}", minute=n) for n in range(5)))
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = api("GET", f"/activity?limit=2{cursor}").json
        assert page is not None
        seen.extend(page["items"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len({entry["id"] for entry in seen}) == 6
    assert [entry["at"] for entry in seen] == sorted((entry["at"] for entry in seen), reverse=True)


def _run(run_id: str, *, category: str = "ok", minute: int = 0) -> FetchRunFinished:
    at = FETCHED_AT + timedelta(minutes=minute)
    return FetchRunFinished(
        mailbox_id="box", run_id=run_id, folder="INBOX", trigger=FetchTrigger.POLL, started_at=at,
        finished_at=at + timedelta(seconds=30), seen=2, fetched=2, category=category,
    )  # fmt: skip


def _line(number: str, name: str, level: Level, *, mailbox_id: str = "box") -> ActivityLogged:
    at = FETCHED_AT + timedelta(seconds=int(number))
    return ActivityLogged(id=number, mailbox_id=mailbox_id, source="imap", name=name, level=level, at=at)


@pytest.mark.parametrize("text", ["192.0.2.1", "192.0.2.0/24", "198.51.100.9", "203.0.113.5"])
def test_reports_of_an_address_of_very_many_days_are_those_that_a_list_of_its_days_finds(
    api: Api, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    later = RECORD.replace("192.0.2.1", "198.51.100.9")
    store(api.backend, extracted(1, _report(1)), extracted(2, arf()), extracted(3, _report(30, records=later)))
    listed = [_items(api, f"/reports?q={text}&sort={sort}") for sort in Sort]
    monkeypatch.setattr(search, "FREQUENT", 0)
    assert [_items(api, f"/reports?q={text}&sort={sort}") for sort in Sort] == listed
    assert bool(listed[0]) == (text != "203.0.113.5")


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("other", [2]), ("R-2", [2]), ("192.0.2.1", [1, 2]), ("192.0.2.0/24", [1, 2]), ("198.51.100.9", [5]),
        ("203.0.113.5", []),
        ("example", [1, 2, 3, 4, 5]), ("nothing of this kind", []), ("%", []), ("_", []), ("-2", []),
    ],
)  # fmt: skip
def test_a_search_finds_names_report_ids_and_addresses(api: Api, text: str, ids: list[int]) -> None:
    store(
        api.backend,
        extracted(1, _report(1)),
        extracted(2, _report(2, org="Other Receiver")),
        extracted(3, json.dumps(tls_tree())),
        extracted(4, arf()),
        extracted(5, _report(5, records=RECORD.replace("192.0.2.1", "198.51.100.9"))),
    )
    by_mail = {mail["mail_id"]: mail["uid"] for mail in _items(api, "/mails")}
    found = [by_mail[report["mail_id"]] for report in _items(api, f"/reports?q={quote(text)}")]
    assert sorted(set(found) - {3, 4} if "." in text else set(found)) == ids


@pytest.mark.parametrize("sort", [each.value for each in RecordSort])
def test_page_by_page_every_row_of_a_report_comes_once_whatever_it_is_sorted_by(api: Api, sort: str) -> None:
    rows = [
        RECORD.replace("192.0.2.1", f"192.0.2.{number}").replace("<count>3</count>", f"<count>{number % 3}</count>")
        for number in range(1, 8)
    ]
    store(api.backend, extracted(1, report_xml(records="".join(rows))))
    [report] = _items(api, "/reports")
    seen: list[int] = []
    path = f"/reports/{report['id']}/records?sort={sort}&limit=3"
    page = api("GET", path).json
    while page is not None:
        seen += [row["position"] for row in page["items"]]
        page = api("GET", f"{path}&cursor={page['next_cursor']}").json if page["next_cursor"] else None
    assert sorted(seen) == [0, 1, 2, 3, 4, 5, 6]


def test_emails_that_were_skipped_are_counted_apart_and_are_sorted_by_size(api: Api) -> None:
    off = PartLine(path="1", size=10, outcome=LineOutcome.IGNORED, reason=Reason.FORMAT_NOT_ALLOWED, detail="zip")
    store(api.backend, extracted(1, lines=[off], size=30), extracted(2, lines=[text_line()], size=10))

    assert [mail["uid"] for mail in _items(api, "/mails?skipped=true")] == [1]
    assert [mail["uid"] for mail in _items(api, "/mails?outcome=not_a_report&skipped=false")] == [2]
    assert [mail["uid"] for mail in _items(api, "/mails?sort=size")] == [2, 1]
    status = api("GET", "/status").json
    assert status is not None
    assert (status["mails"]["not_a_report"], status["mails"]["skipped"]) == (2, 1)
