"""What parsedmarc kept: its JSON and CSV files (8 to 11), entry by entry. Pure.

Its times of a whole report are those of the clock of its machine, the ones of rows are UTC; so the rows' count where
there are any. A report over more than a day is divided by it into days: the parts are put together again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from dmarq.foreign.arf import failure_mail
from dmarq.foreign.document import Aggregate, Found, NotRebuilt, Row, aggregate_xml

TOOL: Final = "parsedmarc"
_BEGIN, _END = "interval_begin", "interval_end"


def rebuilt(entry: Any, *, name: str) -> Found:
    """The document of one entry of its JSON: an aggregate, TLS or failure report."""
    try:
        if not isinstance(entry, dict):
            raise NotRebuilt("no entry of parsedmarc")
        entry = entry.get("report", entry) if isinstance(entry.get("report"), dict) else entry
        if "policy_published" in entry:
            data, ending = aggregate_xml(_aggregate(entry), tool=TOOL), "xml"
        elif "policies" in entry:
            data, ending = _tls(entry), "json"
        elif "feedback_type" in entry:
            data, ending = failure_mail(entry), "eml"
        else:
            raise NotRebuilt("no entry of parsedmarc")
    except NotRebuilt as why:
        return Found(TOOL, name, refused=str(why))
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError):
        return Found(TOOL, name, refused="an entry with values of other types than parsedmarc writes")
    return Found(TOOL, f"{name}.{ending}", data)


def _aggregate(entry: Mapping[str, Any]) -> Aggregate:
    metadata, policy = entry["report_metadata"], entry["policy_published"]
    records = entry.get("records") or []
    if not isinstance(records, list) or not isinstance(metadata, dict) or not isinstance(policy, dict):
        raise NotRebuilt("an aggregate report without its parts")
    begins = [record[_BEGIN] for record in records if record.get(_BEGIN)] or [metadata.get("begin_date")]
    ends = [record[_END] for record in records if record.get(_END)] or [metadata.get("end_date")]
    is_divided = any(record.get("normalized_timespan") for record in records)
    return Aggregate(
        {
            **metadata,
            "version": entry.get("xml_schema") if entry.get("xml_schema") != "draft" else None,
            "email": metadata.get("org_email"),
            "extra_contact_info": metadata.get("org_extra_contact_info"),
        },
        min(map(epoch, begins)),
        max(map(epoch, ends)),
        policy,
        map(_row, _together(records) if is_divided else records),
    )


def _together(records: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The rows, those that differ by nothing but the day as one."""
    by_content: dict[str, dict[str, Any]] = {}
    for record in records:
        own = {name: value for name, value in record.items() if name not in (_BEGIN, _END, "count")}
        kept = by_content.setdefault(json.dumps(own, sort_keys=True), {**own, "count": 0})
        kept["count"] += int(record["count"])
    return by_content.values()


def _row(record: Mapping[str, Any]) -> Row:
    evaluated = record["policy_evaluated"]
    results = record.get("auth_results") or {}
    return Row(
        source_ip=record["source"].get("ip_address"),
        count=record["count"],
        evaluated=evaluated,
        reasons=evaluated.get("policy_override_reasons") or (),
        identifiers=record.get("identifiers") or {},
        dkim=results.get("dkim") or (),
        spf=results.get("spf") or (),
    )


def _tls(entry: Mapping[str, Any]) -> bytes:
    """The report of RFC 8460, section 4.4, with a member that says what it was put together from."""
    report = {
        "rebuilt-from": TOOL,
        "organization-name": entry.get("organization_name"),
        "date-range": {"start-datetime": entry.get("begin_date"), "end-datetime": entry.get("end_date")},
        "contact-info": entry.get("contact_info"),
        "report-id": entry.get("report_id"),
        "policies": [_tls_policy(policy) for policy in entry["policies"]],
    }
    return json.dumps(report, ensure_ascii=False).encode("utf-8", "replace")


def _tls_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    said = {"policy-type": policy.get("policy_type"), "policy-domain": policy.get("policy_domain")}
    strings, hosts = policy.get("policy_strings"), policy.get("mx_host_patterns")
    return {
        "policy": said | ({"policy-string": strings} if strings else {}) | ({"mx-host": hosts} if hosts else {}),
        "summary": {
            "total-successful-session-count": policy.get("successful_session_count") or 0,
            "total-failure-session-count": policy.get("failed_session_count") or 0,
        },
        "failure-details": [
            {_TLS_NAMES.get(name, name.replace("_", "-")): value for name, value in detail.items() if value is not None}
            for detail in policy.get("failure_details") or ()
        ],
    }


_TLS_NAMES: Final = {"additional_info_uri": "additional-information"}  # the others only have other hyphens


def epoch(text: Any) -> int:
    """Seconds, of a time that says its zone or is UTC. Raises ValueError."""
    at = datetime.fromisoformat(str(text))
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def of_values(entries: Iterator[Any], *, name: str) -> Iterator[Found]:
    """The documents of all entries; where the file is broken, the last one says so."""
    number = 0
    try:
        for number, entry in enumerate(entries, start=1):
            yield rebuilt(entry, name=f"{name}#{number}")
    except NotRebuilt as why:
        yield Found(TOOL, f"{name}#{number + 1}", refused=str(why))
