"""What each rule is for, as facts: what makes it speak."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from notifier.facts import (
    Change,
    DnsPolicy,
    DomainDay,
    Failures,
    MailboxState,
    PolicySeen,
    ReporterDays,
    Source,
    Store,
    TlsSessions,
)
from pipeline.dns.published import PolicyTags
from pipeline.notifications.rules import Rule

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)


def source(**more: Any) -> Source:
    given: dict[str, Any] = {
        "domain": "example.com", "address": "192.0.2.1", "service": "", "name": "", "first_day": TODAY - 2 * DAY,
        "week": 0, "week_passed": 0, "late": 0, "late_passed": 0, "before": 0, "before_passed": 0,
    }  # fmt: skip
    return Source(**{**given, **more})


def days(*messages: int, until: date = TODAY - 2 * DAY) -> tuple[DomainDay, ...]:
    first = until - (len(messages) - 1) * DAY
    return tuple(DomainDay(first + n * DAY, "example.com", 1, m, m) for n, m in enumerate(messages))


def policy(p: str, reports: int, *, ago: int = 1, sp: str = "") -> PolicySeen:
    return PolicySeen(TODAY - ago * DAY, "example.com", PolicyTags(p=p, sp=sp or None), reports, "google.com")


def in_dns(text: str, *, days: int = 30, place: str = "example.com") -> DnsPolicy:
    return DnsPolicy("example.com", f"_dmarc.{place}", (text,), NOW - days * DAY)


def mailbox(**more: Any) -> MailboxState:
    given: dict[str, Any] = {
        "id": "reports", "name": "Reports", "enabled": True, "dry_run": False, "poll_minutes": 60,
        "changed_at": NOW - 30 * DAY, "last_at": NOW - timedelta(minutes=10), "good_at": NOW - timedelta(minutes=10),
    }  # fmt: skip
    return MailboxState(**{**given, **more})


def failing(category: str, minutes: int, **more: Any) -> MailboxState:
    return mailbox(category=category, failing_since=NOW - timedelta(minutes=minutes), **more)


KNOWN = {"first_day": TODAY - 28 * DAY, "before": 1000, "before_passed": 990}
SIGNED = {"late": 100, "late_passed": 100, "before": 1000, "before_signed": 1000}

SPEAKS: list[tuple[Rule, dict[str, Any]]] = [
    (Rule.NEW_FAILING_SOURCE, {"sources": (source(week=150, week_passed=0),)}),
    (Rule.SOURCE_FAILING, {"sources": (source(**KNOWN, late=100, late_passed=10),)}),
    (Rule.SIGNATURE_LOST, {"sources": (source(**SIGNED, late_signed=0),)}),
    (Rule.VOLUME_UNUSUAL, {"domain_days": days(*[200] * 10, 1100)}),
    (Rule.VOLUME_UNUSUAL, {"domain_days": days(*[2000] * 10, 3)}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("reject", 5), policy("none", 1))}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("reject", 9, ago=2), policy("none", 2, ago=1))}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("reject", 5), policy("reject", 1, sp="none"))}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("none", 5),), "dns": (in_dns("v=DMARC1; p=reject"),)}),
    (Rule.REPORTER_SILENT, {"reporters": (ReporterDays("google.com", 20, TODAY - 5 * DAY),)}),
    (Rule.DOMAIN_SILENT, {"domain_days": days(*[5] * 10, until=TODAY - 4 * DAY)}),
    (Rule.TLS_FAILURES, {"tls": (TlsSessions("example.com", 100, 10),)}),
    (Rule.MAILBOX_SIGN_IN, {"mailboxes": (failing("authentication", 0),)}),
    (Rule.MAILBOX_SIGN_IN, {"mailboxes": (failing("auth_expired", 1),)}),
    (Rule.MAILBOX_FAULT, {"mailboxes": (failing("connectivity", 31),)}),
    (Rule.MAILBOX_FAULT, {"mailboxes": (failing("throttled", 300),)}),
    (Rule.MAILBOX_OVERDUE, {"mailboxes": (mailbox(last_at=NOW - timedelta(hours=4)),)}),
    (Rule.MAILBOX_OVERDUE, {"mailboxes": (mailbox(last_at=None, good_at=None),)}),
    (Rule.ACTION_REFUSED, {"mailboxes": (mailbox(),), "refused_actions": (Failures("permissions", 3, "reports"),)}),
    (Rule.DEAD_LETTERS, {"failed_mails": (Failures("not_well_formed", 10_000),)}),
    (Rule.STORE_FULL, {"stores": (Store("MAIL", 0.81),)}),
    (Rule.SETTINGS_CHANGED, {"changes": (Change("c1", "reports", "admin changed the folder", NOW),)}),
]
