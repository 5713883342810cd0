"""Each rule as a table: what it sees, and whether it speaks."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from notifier.facts import (
    Change,
    DomainDay,
    Facts,
    Failures,
    MailboxState,
    PolicySeen,
    ReporterDays,
    Source,
    Store,
    TlsSessions,
)
from notifier.rules import CHECKS, find
from pipeline.notifications.rules import CATALOGUE, Rule, RuleSettings, settings_of

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)


def source(**more: Any) -> Source:
    given: dict[str, Any] = {
        "domain": "example.com", "address": "192.0.2.1", "header_from": "example.com", "first_day": TODAY - 2 * DAY,
        "week": 0, "week_passed": 0, "late": 0, "late_passed": 0, "before": 0, "before_passed": 0,
    }  # fmt: skip
    return Source(**{**given, **more})


def days(*messages: int, until: date = TODAY - 2 * DAY) -> tuple[DomainDay, ...]:
    first = until - (len(messages) - 1) * DAY
    return tuple(DomainDay(first + n * DAY, "example.com", 1, m, m) for n, m in enumerate(messages))


def policy(p: str, reports: int, *, ago: int = 1, sp: str = "") -> PolicySeen:
    return PolicySeen(TODAY - ago * DAY, "example.com", p, sp, reports, "google.com")


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
SILENT: list[tuple[Rule, dict[str, Any]]] = [
    (Rule.NEW_FAILING_SOURCE, {"sources": (source(week=99),)}),
    (Rule.NEW_FAILING_SOURCE, {"sources": (source(week=500, week_passed=450),)}),
    (Rule.NEW_FAILING_SOURCE, {"sources": (source(week=500, before=1, first_day=TODAY - 20 * DAY),)}),
    (Rule.SOURCE_FAILING, {"sources": (source(**KNOWN, late=100, late_passed=60),)}),
    (Rule.SOURCE_FAILING, {"sources": (source(**{**KNOWN, "before_passed": 500}, late=100),)}),
    (Rule.SOURCE_FAILING, {"sources": (source(**{**KNOWN, "before": 10, "before_passed": 10}, late=100),)}),
    (Rule.SIGNATURE_LOST, {"sources": (source(**SIGNED, late_signed=90),)}),
    (Rule.SIGNATURE_LOST, {"sources": (source(**{**SIGNED, "before_signed": 100}, late_signed=0),)}),
    (Rule.SIGNATURE_LOST, {"sources": (source(**KNOWN, late=100),)}),
    (Rule.VOLUME_UNUSUAL, {"domain_days": days(*[200] * 10, 900)}),
    (Rule.VOLUME_UNUSUAL, {"domain_days": days(*[3] * 10, 60)}),
    (Rule.VOLUME_UNUSUAL, {"domain_days": days(200, 200, 9000)}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("reject", 5, ago=2), policy("reject", 5, ago=1))}),
    (Rule.REPORTER_SILENT, {"reporters": (ReporterDays("google.com", 20, TODAY - 2 * DAY),)}),
    (Rule.REPORTER_SILENT, {"reporters": (ReporterDays("once.example", 1, TODAY - 20 * DAY),)}),
    (Rule.DOMAIN_SILENT, {"domain_days": days(*[5] * 10, until=TODAY - 2 * DAY)}),
    (Rule.TLS_FAILURES, {"tls": (TlsSessions("example.com", 100, 9),)}),
    (Rule.MAILBOX_SIGN_IN, {"mailboxes": (failing("connectivity", 90),)}),
    (Rule.MAILBOX_FAULT, {"mailboxes": (failing("connectivity", 29),)}),
    (Rule.MAILBOX_FAULT, {"mailboxes": (failing("connectivity", 90, enabled=False),)}),
    (Rule.MAILBOX_FAULT, {"mailboxes": (failing("connectivity", 90, dry_run=True),)}),
    (Rule.MAILBOX_OVERDUE, {"mailboxes": (mailbox(poll_minutes=1, last_at=NOW - timedelta(minutes=50)),)}),
    (Rule.MAILBOX_OVERDUE, {"mailboxes": (mailbox(last_at=None, changed_at=NOW - timedelta(minutes=5)),)}),
    (Rule.ACTION_REFUSED, {"mailboxes": (mailbox(dry_run=True),), "refused_actions": (Failures("x", 3, "reports"),)}),
    (Rule.STORE_FULL, {"stores": (Store("MAIL", 0.79),)}),
]


@pytest.mark.parametrize(("rule", "seen"), SPEAKS)
def test_a_rule_speaks_of_what_it_is_for(rule: Rule, seen: dict[str, Any]) -> None:
    (finding,) = found(rule, seen)

    assert finding.title
    assert finding.detail
    assert finding.link.startswith("/")


@pytest.mark.parametrize(("rule", "seen"), SILENT)
def test_a_rule_is_silent_about_what_is_usual(rule: Rule, seen: dict[str, Any]) -> None:
    assert found(rule, seen) == []


def test_every_rule_has_a_check_and_a_case_for_both() -> None:
    assert CHECKS.keys() == CATALOGUE.keys() == {rule for rule, _ in SPEAKS}
    assert {rule for rule, _ in SILENT} >= CHECKS.keys() - {Rule.DEAD_LETTERS, Rule.SETTINGS_CHANGED}


def test_a_wave_from_thousands_of_addresses_is_one_finding() -> None:
    wave = tuple(source(address=f"2001:db8::{n:x}", week=200) for n in range(3000))

    (finding,) = found(Rule.NEW_FAILING_SOURCE, {"sources": wave})

    assert finding.count == 600_000
    assert "3000 addresses" in finding.detail
    assert len(finding.detail) < 400


def test_a_rule_that_is_off_or_about_other_domains_is_silent() -> None:
    seen = {"tls": (TlsSessions("example.com", 0, 99),)}

    assert found(Rule.TLS_FAILURES, seen, enabled=False) == []
    assert found(Rule.TLS_FAILURES, seen, domains=("example.org",)) == []
    assert len(found(Rule.TLS_FAILURES, seen, domains=("example.com",))) == 1


def test_what_strangers_wrote_is_one_bounded_line() -> None:
    hostile = ReporterDays("evil\r\nBcc: x@example.com\x00" + "a" * 9000, 20, TODAY - 9 * DAY)

    (finding,) = found(Rule.REPORTER_SILENT, {"reporters": (hostile,)})

    assert finding.title.isprintable()
    assert len(finding.title) < 300


def found(rule: Rule, seen: dict[str, Any], **settings: Any) -> list[Any]:
    wanted = {**settings_of({}), rule: settings_of({rule.value: settings})[rule]}
    return [finding for finding in find(Facts(now=NOW, **seen), wanted) if finding.rule is rule]


def test_thresholds_hold_even_where_they_are_nought() -> None:
    assert settings_of({})[Rule.TLS_FAILURES] == RuleSettings(threshold=10)
    assert found(Rule.TLS_FAILURES, {"tls": (TlsSessions("example.com", 100, 0),)}, threshold=0) == []
