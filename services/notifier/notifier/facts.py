"""What the rules judge: the state of things at one moment, as read from the views `notify_...` and the broker; pure.

Days are UTC, as the reports count them.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from pipeline.dns.published import PolicyTags


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
    """An address that sends for a domain, or (address "") all addresses of a service: its messages of late, and before.

    `service` is its id in the table of services, `name` what people call it, or else its host or its network; "" where
    nobody knows. `first_day` is the first day it was seen within what is looked at. `signed` counts messages whose DKIM
    passed, aligned; None where nobody looked.
    """

    domain: str
    address: str
    service: str
    name: str
    first_day: date
    week: int
    week_passed: int
    late: int
    late_passed: int
    before: int
    before_passed: int
    late_signed: int | None = None
    before_signed: int | None = None

    @property
    def label(self) -> str:
        """Its name with its address, as far as there are both."""
        return labelled(self.name, self.address)


@dataclass(frozen=True, slots=True)
class PolicySeen:
    """A policy that so many reports about a day show for a domain; `reporter` is one of those who say so."""

    day: date
    domain: str
    tags: PolicyTags
    reports: int
    reporter: str


@dataclass(frozen=True, slots=True)
class DnsPolicy:
    """The DMARC record that counts for a domain: the name it stands at, its texts, and since when they are so."""

    domain: str
    name: str
    texts: tuple[str, ...]
    first_at: datetime


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
    """A stream of the broker and how full it is, from 0 to 1.

    From `closed_from` on it takes no new email over 256 kB; the rest is kept for what is on its way.
    """

    name: str
    fullness: float
    closed_from: float = 1.0


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
    dns: tuple[DnsPolicy, ...] = ()
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


def labelled(name: str, address: str) -> str:
    """A source as people are told of it.

    >>> labelled("Mailchimp", "192.0.2.1")
    'Mailchimp (192.0.2.1)'
    """
    if not name or not address:
        return name or address
    return f"{name} ({address})"
