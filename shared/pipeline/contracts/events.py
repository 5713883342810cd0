"""The events about everything else (reports, looks into a mailbox, lines for people), and every event by its type.

Those about emails are in `mail_events`, with what all events have in common.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import Field, JsonValue

from pipeline.contracts.mail_events import Event, MailActed, MailCommand, MailDied, MailExtracted, MailFetched
from pipeline.contracts.mailbox import MailboxId
from pipeline.contracts.report import ReportKind
from pipeline.contracts.topology import domain_token


class ReportStored(Event):
    """A report is in the database: for third parties. `rows` is bounded; `link` leads to the rest."""

    type = "report_stored"
    address = "report.stored.{kind}.{domain}"
    id: int = Field(description="Its number in the database and the API.")
    mail_id: str = Field(description="The mail it came in.")
    mailbox_id: MailboxId = Field(description="The mailbox that was fetched from.")
    kind: ReportKind = Field(description="`aggregate`, `tls` or `failure`.")
    org_name: str = Field(description="Who sent it.")
    report_id: str = Field(description="What the sender calls it.")
    domain: str = Field(description="The policy domain.")
    begin: int = Field(description="Start of the period, UTC epoch seconds.")
    end: int = Field(description="End of the period, UTC epoch seconds.")
    fingerprint: str = Field(description="Hash of the content: equal for a report sent twice, other for a correction.")
    variant: bool = Field(False, description="True when another report of the same identity says something else.")
    records: int = Field(description="Rows of the whole report.")
    messages: int = Field(description="Mails (for TLS: sessions) it counts.")
    repairs: tuple[str, ...] = Field((), description="What had to be repaired to read it.")
    report: dict[str, JsonValue] = Field(default_factory=dict, description="The report without its rows, as read.")
    rows: tuple[dict[str, JsonValue], ...] = Field(
        (), description="The first rows of an aggregate report, each with the names of its `source`."
    )
    rows_complete: bool = Field(True, description="False when there are more rows than are given here.")
    link: str = Field("", description="Where the API has all of it.")
    stored_at: datetime = Field(description="When it was committed.")

    @property
    def subject(self) -> str:
        return f"report.stored.{self.kind}.{domain_token(self.domain)}"

    @property
    def key(self) -> str:
        return f"report.{self.id}"

    @property
    def occurred_at(self) -> datetime:
        return self.stored_at

    @property
    def about(self) -> tuple[str, ...]:
        return (self.mail_id,)


class FetchTrigger(StrEnum):
    """What started a fetch run."""

    POLL = "poll"
    IDLE = "idle"
    MANUAL = "manual"
    BACKFILL = "backfill"


class FetchRunFinished(Event):
    """One look into a mailbox's folder: what was seen, filtered and fetched, how long it took, why it failed."""

    type = "fetch_run_finished"
    address = "event.{mailbox}.fetch_run_finished"
    mailbox_id: MailboxId
    run_id: str
    folder: str
    trigger: FetchTrigger
    started_at: datetime
    finished_at: datetime
    seen: int = 0
    filtered: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    category: str = "ok"
    detail: str = ""

    @property
    def subject(self) -> str:
        return f"event.{self.mailbox_id}.{self.type}"

    @property
    def key(self) -> str:
        return f"{self.run_id}.finished"

    @property
    def occurred_at(self) -> datetime:
        return self.finished_at


class Level(StrEnum):
    """How much an activity line matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def from_level_on(level: Level | None) -> list[str] | None:
    """The level and those that matter more, as the words on the wire; None for all."""
    order = list(Level)
    return None if level is None else [each.value for each in order[order.index(level) :]]


class ActivityLogged(Event):
    """A line for people: an IMAP connection step (`source="imap"`), a settings change, anything worth telling.

    `name` is a short stable word ("connected", "login_failed"); `data` holds bounded facts, never a secret or a body.
    """

    type = "activity"
    address = "event.{mailbox}.activity"
    id: str
    mailbox_id: MailboxId
    source: str
    name: str
    level: Level = Level.INFO
    text: str = ""
    data: dict[str, JsonValue] = Field(default_factory=dict)
    at: datetime

    @property
    def subject(self) -> str:
        return f"event.{self.mailbox_id}.{self.type}"

    @property
    def key(self) -> str:
        return f"activity.{self.id}"

    @property
    def occurred_at(self) -> datetime:
        return self.at


EVENT_TYPES: dict[str, type[Event]] = {
    event.type: event
    for event in (
        MailFetched,
        MailExtracted,
        MailCommand,
        MailActed,
        MailDied,
        ReportStored,
        FetchRunFinished,
        ActivityLogged,
    )
}
