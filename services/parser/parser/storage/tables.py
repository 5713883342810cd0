"""Rows of the tables, from the models: one dict a row, by column name, in what `pgjson` encodes. Pure."""

from datetime import UTC, datetime

from parser.kinds.kind import Row
from parser.outcome import Conclusion
from pipeline.contracts.events import ActivityLogged, FetchRunFinished
from pipeline.contracts.mail_events import MailDied, MailExtracted
from pipeline.contracts.mailbox import Action


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


def activity_row(event: ActivityLogged) -> Row:
    """`activity`."""
    return {**event.model_dump(mode="json", exclude={"v"}), "at": utc(event.at)}


def fetch_run_row(event: FetchRunFinished) -> Row:
    """`fetch_run`."""
    times = {"started_at": utc(event.started_at), "finished_at": utc(event.finished_at)}
    return {**event.model_dump(mode="json", exclude={"v"}), **times}
