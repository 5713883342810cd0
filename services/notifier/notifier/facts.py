"""What the rules judge: the state of things at one moment, as read from the views `notify_...` and the broker; pure.

Days are UTC, as the reports count them.

"""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class DomainDay:
    """What all reports say about a policy domain on one day."""

    day: date
    domain: str
    reports: int
    messages: int
    passed: int


@dataclass(frozen=True, slots=True)
class Source:
    """An address that sends for a domain: its messages of late, and before that.

    `first_day` is the first day it was seen within what is looked at. `signed` counts messages whose DKIM passed,
    aligned; None where nobody looked.
    """

    domain: str
    address: str
    header_from: str
    first_day: date
    week: int
    week_passed: int
    late: int
    late_passed: int
    before: int
    before_passed: int
    late_signed: int | None = None
    before_signed: int | None = None


@dataclass(frozen=True, slots=True)
class PolicySeen:
    """A policy that reporters saw published for a domain on one day."""

    day: date
    domain: str
    policy: str
    subdomain_policy: str
    reports: int
    reporter: str


@dataclass(frozen=True, slots=True)
class ReporterDays:
    """On how many of the days looked at a reporter was heard, and which was the last."""

    name: str
    days: int
    last_day: date


@dataclass(frozen=True, slots=True)
class TlsSessions:
    """SMTP sessions with TLS to a domain, of late."""

    domain: str
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class MailboxState:
    """A mailbox and how the looks into it ended. `failing_since` is the first bad one after the last good one."""

    id: str
    name: str
    enabled: bool
    dry_run: bool
    poll_minutes: float
    changed_at: datetime
    last_at: datetime | None = None
    category: str = "ok"
    detail: str = ""
    good_at: datetime | None = None
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failures:
    """Mails that failed in the last day, for one reason: whole mails, or an action on a mailbox."""

    reason: str
    mails: int
    mailbox_id: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """A stream of the broker and how full it is, from 0 to 1."""

    name: str
    fullness: float


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody changed settings."""

    id: str
    mailbox_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. Days are of the last `facts.DAYS`, the present one included.

    `stores` is None while the broker is away: then nobody knows.
    """

    now: datetime
    domain_days: tuple[DomainDay, ...] = ()
    sources: tuple[Source, ...] = ()
    policies: tuple[PolicySeen, ...] = ()
    reporters: tuple[ReporterDays, ...] = ()
    tls: tuple[TlsSessions, ...] = ()
    mailboxes: tuple[MailboxState, ...] = ()
    refused_actions: tuple[Failures, ...] = ()
    failed_mails: tuple[Failures, ...] = ()
    stores: tuple[Store, ...] | None = ()
    changes: tuple[Change, ...] = ()
    mailbox_names: dict[str, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The present day, UTC."""
        return self.now.date()

    def name_of(self, mailbox_id: str) -> str:
        """What people call the mailbox."""
        return self.mailbox_names.get(mailbox_id, mailbox_id)


DAYS = 29  # looked at: four weeks and the present day
LATE_DAYS = 2  # "of late": the day before the present one, and the present one
