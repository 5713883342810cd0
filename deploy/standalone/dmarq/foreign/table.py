"""The CSV files of parsedmarc: rows of one report follow one another, and become the entry that its JSON would have."""

import csv
import sys
from collections.abc import Callable, Iterator, Mapping
from io import TextIOWrapper
from itertools import groupby, zip_longest
from typing import Any, BinaryIO, Final

from dmarq.foreign.document import Found
from dmarq.foreign.parsedmarc import TOOL, epoch, rebuilt

MAX_LINE: Final = 1024 * 1024  # characters
MAX_ROW: Final = 8 * MAX_LINE  # characters; a row has several lines where there are line ends between its quotes
MAX_COLUMNS: Final = 500
MAX_REPORT: Final = 256 * 1024 * 1024  # characters of one report's rows
MAX_ROWS: Final = 500_000  # of one report, which is in memory at a time

Line = Mapping[str, str]


def kind_of_table(header: str) -> str:
    """Which table of parsedmarc has these columns: aggregate, tls, failure; "" for none."""
    columns = set(header.strip().lstrip("\ufeff").split(","))
    if {"org_name", "report_id", "begin_date", "source_ip_address", "count", "disposition"} <= columns:
        return "aggregate"
    if {"organization_name", "report_id", "policy_domain", "successful_session_count"} <= columns:
        return "tls"
    return "failure" if {"feedback_type", "arrival_date", "source_ip_address", "auth_failure"} <= columns else ""


def of_table(file: BinaryIO, kind: str, *, name: str) -> Iterator[Found]:
    """The documents of a file of this kind; where it is broken, the last one says so."""
    text = TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    number = 0
    try:
        for number, (_, group) in enumerate(groupby(_rows(text), key=_KEYS[kind]), start=1):
            yield _entry(group, kind, f"{name}#{number}")
    except csv.Error:
        yield Found(TOOL, f"{name}#{number + 1}", refused="no CSV from here on")
    finally:
        text.detach()


def _rows(text: TextIOWrapper) -> Iterator[Line]:
    """The rows, each of a bounded size. Raises csv.Error."""
    held = 0

    def lines() -> Iterator[str]:
        nonlocal held
        while line := text.readline(MAX_LINE):
            held += len(line)
            if held > MAX_ROW:
                raise csv.Error("a row without an end")
            yield line

    rows = csv.DictReader(lines(), restval="")
    if len(rows.fieldnames or ()) > MAX_COLUMNS:
        raise csv.Error("too many columns")
    for row in rows:
        held = 0
        yield row


def _entry(group: Iterator[Line], kind: str, name: str) -> Found:
    rows: list[Line] = []
    size = 0
    for row in group:
        if len(rows) == MAX_ROWS:
            return Found(TOOL, name, refused=f"a report of more than {MAX_ROWS:,} rows")
        rows.append({column: sys.intern(value) for column, value in row.items() if isinstance(value, str) and value})
        size += sum(map(len, rows[-1].values()))
        if size > MAX_REPORT:
            return Found(TOOL, name, refused=f"a report of more than {MAX_REPORT:,} characters")
    try:
        return rebuilt(_ENTRIES[kind](rows), name=name)
    except (KeyError, ValueError):
        return Found(TOOL, name, refused="a row without what a report must have")


def _aggregate(rows: list[Line]) -> dict[str, Any]:
    first = rows[0]
    metadata: dict[str, Any] = {
        name: first.get(name) for name in ("org_name", "org_email", "org_extra_contact_info", "report_id")
    }
    metadata["begin_date"] = min((row["begin_date"] for row in rows), key=epoch)
    metadata["end_date"] = max((row["end_date"] for row in rows), key=epoch)
    metadata["errors"] = first["errors"].split("|") if "errors" in first else []
    policy = ("domain", "adkim", "aspf", "p", "sp", "np", "pct", "fo", "testing", "discovery_method")
    return {
        "xml_schema": first.get("xml_schema"),
        "report_metadata": metadata,
        "policy_published": {name: first.get(name) for name in policy},
        "records": [_record(row) for row in rows],
    }


def _record(row: Line) -> dict[str, Any]:
    reasons = _side_by_side(type=row.get("policy_override_reasons"), comment=row.get("policy_override_comments"))
    return {
        "source": {"ip_address": row.get("source_ip_address")},
        "count": int(row["count"]),
        "policy_evaluated": {
            "disposition": row.get("disposition"),
            "dkim": _word(row.get("dkim_aligned")),
            "spf": _word(row.get("spf_aligned")),
            "policy_override_reasons": reasons,
        },
        "identifiers": {name: row.get(name) for name in ("envelope_from", "header_from", "envelope_to")},
        "auth_results": {
            "dkim": _side_by_side(
                domain=row.get("dkim_domains"), selector=row.get("dkim_selectors"), result=row.get("dkim_results")
            ),
            "spf": _side_by_side(
                domain=row.get("spf_domains"), scope=row.get("spf_scopes"), result=row.get("spf_results")
            ),
        },
        "normalized_timespan": row.get("normalized_timespan") == "True",
    }


def _side_by_side(**lists: str | None) -> list[dict[str, str | None]]:
    """The lists of a row, which have commas between their values, as one list of what belongs together."""
    columns = [text.split(",") if text else [] for text in lists.values()]
    return [dict(zip(lists, (value or None for value in each), strict=True)) for each in zip_longest(*columns)]


def _word(aligned: str | None) -> str | None:
    return {"True": "pass", "False": "fail"}.get(aligned or "")


def _tls(rows: list[Line]) -> dict[str, Any]:
    """A row of counts is a policy, the rows without counts of good sessions after it are its failures."""
    policies: list[dict[str, Any]] = []
    for row in rows:
        if "result_type" not in row or not policies:
            policies.append(
                {
                    **{name: row.get(name) for name in ("policy_domain", "policy_type")},
                    "policy_strings": row["policy_strings"].split("|") if "policy_strings" in row else [],
                    "mx_host_patterns": row["mx_host_patterns"].split("|") if "mx_host_patterns" in row else [],
                    "successful_session_count": int(row.get("successful_session_count", 0)),
                    "failed_session_count": int(row.get("failed_session_count", 0)),
                    "failure_details": [],
                }
            )
        if "result_type" in row:
            detail: dict[str, Any] = {name: row[name] for name in _TLS_DETAIL if name in row}
            policies[-1]["failure_details"].append(
                detail | {"failed_session_count": int(row.get("failed_session_count", 0))}
            )
    first = rows[0]
    names = ("organization_name", "begin_date", "end_date", "report_id")
    return {name: first.get(name) for name in names} | {"policies": policies}


_TLS_DETAIL: Final = (
    "result_type",
    "sending_mta_ip",
    "receiving_ip",
    "receiving_mx_hostname",
    "receiving_mx_helo",
    "additional_info_uri",
    "failure_reason_code",
)


def _failure(rows: list[Line]) -> dict[str, Any]:
    """There is no sample in the table but for its subject and id."""
    row = rows[0]
    head = {"Subject": row.get("subject"), "Message-ID": row.get("message_id")}
    sample = "".join(f"{name}: {' '.join(value.split())}\n" for name, value in head.items() if value)
    return {**row, "source": {"ip_address": row.get("source_ip_address")}, "sample": sample}


_ENTRIES: Final = {"aggregate": _aggregate, "tls": _tls, "failure": _failure}
_KEYS: Final[dict[str, Callable[[Line], Any]]] = {
    "aggregate": lambda row: (row["org_name"], row["report_id"], row.get("domain")),
    "tls": lambda row: (row["organization_name"], row["report_id"], row.get("begin_date")),
    "failure": id,  # each row is a report, and an object of its own
}
