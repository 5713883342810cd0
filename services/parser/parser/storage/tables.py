"""Rows of the tables, from the models: one dict a row, by column name, in what `pgjson` encodes. Pure."""

from datetime import UTC, datetime
from typing import Any

from parser.kinds.totals import Totals
from parser.outcome import Conclusion
from parser.version import PARSER_VERSION
from pipeline.contracts.events import ActivityLogged, FetchRunFinished, MailDied, MailExtracted
from pipeline.contracts.mailbox import Action
from pipeline.contracts.report import AggregateReport, FailureReport, Report, ReportHeader, TlsReport

MAX_BIGINT = 2**63 - 1

Row = dict[str, Any]

_AGGREGATE = frozenset({"email", "extra_contact_info", "generator", "version", "namespace", "errors", "extensions"})
_POLICY = frozenset({"p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method"})
_HEADER = frozenset(ReportHeader.model_fields)
_EMPTY_AGGREGATE: Row = {name: None for name in _AGGREGATE | _POLICY} | {"errors": (), "extensions": ()}


def moment(epoch: int) -> datetime:
    """An instant from UTC epoch seconds."""
    return datetime.fromtimestamp(epoch, UTC)


def utc(at: datetime | None) -> datetime | None:
    """The instant in UTC, for PostgreSQL knows no offsets beyond 15 hours; None where it falls out of the years."""
    if at is None:
        return None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def bigint(number: int) -> int:
    """The number, or the largest one that a bigint holds: a sum of honest counts never comes near it."""
    return max(-MAX_BIGINT, min(number, MAX_BIGINT))


def mail_row(event: MailExtracted | MailDied, conclusion: Conclusion, *, stored_at: datetime) -> Row:
    """`mail`. The fields that only an extracted mail has are empty for one that died before."""
    row: Row = {
        "mail_id": event.mail.mail_id,
        "mailbox_id": event.mail.mailbox_id,
        "folder": event.mail.folder,
        "uidvalidity": event.mail.uidvalidity,
        "uid": event.mail.uid,
        "header_message_id": "",
        "from_address": "",
        "subject": "",
        "date": None,
        "internal_date": utc(event.internal_date),
        "size": event.size,
        "fetched_at": utc(event.fetched_at),
        "stored_at": stored_at,
        "run_id": "",
        "settings_version": event.handling.settings_version,
        "take": event.take,
        "outcome": conclusion.outcome,
        "reason": conclusion.reason,
        "detail": conclusion.detail,
        "action": conclusion.action.action,
        "action_target": conclusion.action.folder,
        "action_state": "none" if conclusion.action.action is Action.NONE else "pending",
        "lines": conclusion.lines,
    }
    if isinstance(event, MailExtracted):
        row["header_message_id"] = event.header_message_id
        row["from_address"] = event.from_address
        row["subject"] = event.subject_line
        row["date"] = utc(event.date)
        row["run_id"] = event.run_id
    return row


def report_row(number: int, event: MailExtracted, report: Report, *, identity: bytes, totals: Totals) -> Row:
    """`report`, without `variant` and `stored_at`."""
    row = {
        **_EMPTY_AGGREGATE,
        "id": number,
        "kind": report.kind,
        "mail_id": event.mail.mail_id,
        "mailbox_id": event.mail.mailbox_id,
        "org_name": report.org_name,
        "report_id": report.report_id,
        "domain": report.domain,
        "begin": moment(report.begin),
        "end": moment(report.end),
        "identity": f"\\x{identity.hex()}",
        "fingerprint": f"\\x{report.fingerprint}",
        "record_count": report.records,
        "message_count": bigint(report.messages),
        "passed": bigint(totals.passed),
        "quarantined": bigint(totals.quarantined),
        "rejected": bigint(totals.rejected),
        "repairs": report.repairs,
        "raw": report.raw,
        "parser_version": PARSER_VERSION,
    }
    if isinstance(report, AggregateReport):
        row.update({name: getattr(report, name) for name in _AGGREGATE})
        row.update({name: getattr(report.policy, name) for name in _POLICY})
    return row


def tls_policy_rows(number: int, report: TlsReport) -> list[Row]:
    """`tls_policy`."""
    return [
        {
            "report": number,
            "position": position,
            **policy.model_dump(mode="json", exclude={"failures"}),
            "successful_sessions": bigint(policy.successful_sessions),
            "failed_sessions": bigint(policy.failed_sessions),
        }
        for position, policy in enumerate(report.policies)
    ]


def tls_failure_rows(number: int, report: TlsReport) -> list[Row]:
    """`tls_failure`."""
    return [
        {
            "report": number,
            "policy": at,
            "position": position,
            **failure.model_dump(mode="json"),
            "failed_session_count": bigint(failure.failed_session_count),
        }
        for at, policy in enumerate(report.policies)
        for position, failure in enumerate(policy.failures)
    ]


def failure_report_row(number: int, report: FailureReport) -> Row:
    """`failure_report`."""
    return {
        "report": number,
        **report.model_dump(mode="json", exclude=set(_HEADER)),
        "incidents": bigint(report.incidents),
        "source_port": None if report.source_port is None else bigint(report.source_port),
    }


def activity_row(event: ActivityLogged) -> Row:
    """`activity`."""
    return {**event.model_dump(mode="json", exclude={"v"}), "at": utc(event.at)}


def fetch_run_row(event: FetchRunFinished) -> Row:
    """`fetch_run`."""
    times = {"started_at": utc(event.started_at), "finished_at": utc(event.finished_at)}
    return {**event.model_dump(mode="json", exclude={"v"}), **times}
