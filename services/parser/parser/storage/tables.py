"""Rows of the tables, from the models: one dict a row, by column name, in what `pgjson` encodes. Pure."""

from datetime import UTC, datetime

from parser.kinds.kind import Row, Totals
from parser.kinds.registry import kind_of
from parser.kinds.values import bigint, part
from parser.outcome import Conclusion
from parser.version import PARSER_VERSION
from pipeline.contracts.events import ActivityLogged, FetchRunFinished, MailDied, MailExtracted
from pipeline.contracts.mailbox import Action
from pipeline.contracts.report import Report

_POLICY = ("p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method")
_SENDER = ("email", "extra_contact_info", "generator", "version", "namespace")
_UNFILLED: Row = dict.fromkeys((*_SENDER, *_POLICY)) | {"errors": (), "extensions": ()}  # where a kind fills none


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
    return {
        **_UNFILLED,
        **kind_of(report).columns_of(report),
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
        "passed": part(totals.passed, report.messages),
        "quarantined": bigint(totals.quarantined),
        "rejected": bigint(totals.rejected),
        "repairs": report.repairs,
        "raw": report.raw,
        "parser_version": PARSER_VERSION,
    }


def activity_row(event: ActivityLogged) -> Row:
    """`activity`."""
    return {**event.model_dump(mode="json", exclude={"v"}), "at": utc(event.at)}


def fetch_run_row(event: FetchRunFinished) -> Row:
    """`fetch_run`."""
    times = {"started_at": utc(event.started_at), "finished_at": utc(event.finished_at)}
    return {**event.model_dump(mode="json", exclude={"v"}), **times}
