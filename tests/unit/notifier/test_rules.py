"""Each rule as a table: what it sees, and whether it speaks."""

from datetime import timedelta
from typing import Any

import pytest

from notifier.facts import (
    Facts,
    Failures,
    ReporterDays,
    Store,
    TlsSessions,
)
from notifier.rules import CHECKS, find
from pipeline.notifications.rules import CATALOGUE, Rule, RuleSettings, settings_of
from tests.support.rule_cases import (
    DAY,
    KNOWN,
    NOW,
    SIGNED,
    SPEAKS,
    TODAY,
    days,
    failing,
    in_dns,
    mailbox,
    policy,
    source,
)

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
    (Rule.POLICY_DIFFERS, {"policies": (policy("reject", 5), policy("reject", 5, sp="reject"))}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("reject", 5),), "dns": (in_dns("v=DMARC1; p=reject"),)}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("none", 5),), "dns": (in_dns("v=DMARC1; p=reject", days=1),)}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("reject", 5), policy("", 1))}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("none", 2),), "dns": (in_dns("v=DMARC1; p=reject"),)}),
    (Rule.POLICY_DIFFERS, {"policies": (policy("none", 5),), "dns": (in_dns("v=spf1 -all"),)}),
    (
        Rule.POLICY_DIFFERS,
        {
            "policies": (policy("none", 5),),
            "dns": (in_dns("v=DMARC1; p=reject; sp=none", place="com.example"),),
        },
    ),
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


def test_a_policy_that_differs_says_from_what() -> None:
    detail = found(Rule.POLICY_DIFFERS, {
        "policies": (policy("reject", 9, ago=2), policy("none", 4, ago=1), policy("quarantine", 1, ago=1)),
        "dns": (in_dns("v=DMARC1; p=reject; sp=none"),),
    })[0].detail  # fmt: skip

    assert "Since 19 November most reports say p=none; about 18 November they said p=reject." in detail
    assert "On 19 November google.com saw p=quarantine (1 of 5 reports); most saw p=none." in detail
    assert "DNS has" not in detail  # most reports of the week say what DNS says


def test_a_policy_other_than_that_of_dns_is_told_with_both() -> None:
    (finding,) = found(Rule.POLICY_DIFFERS, {"policies": (policy("none", 5),), "dns": (in_dns("v=DMARC1; p=reject"),)})

    assert finding.detail.startswith("DNS has p=reject, and 5 of 5 reports since then say p=none.")
    assert finding.link == "/domains/example.com#dns"


@pytest.mark.parametrize("rule", [Rule.SOURCE_FAILING, Rule.SIGNATURE_LOST])
def test_a_service_of_many_addresses_is_one_finding_under_its_name(rule: Rule) -> None:
    known: dict[str, Any] = {**KNOWN, **SIGNED, "late_passed": 0, "late_signed": 0, "before_passed": 1000}
    mailchimp = {"service": "mailchimp", "name": "Mailchimp", **known}
    addresses = tuple(source(address=f"192.0.2.{n}", **mailchimp) for n in range(20))
    other = source(address="198.51.100.7", name="mx.example.net", **known)

    whole, single = found(rule, {"sources": (*addresses, source(address="", **mailchimp), other)})

    assert whole.title.startswith("Mailchimp ")
    assert whole.subject == "example.com mailchimp"
    assert single.title.startswith("mx.example.net (198.51.100.7) ")


def test_a_service_fails_as_a_whole_where_each_address_sends_too_little_to_be_known() -> None:
    few = {"first_day": TODAY - 28 * DAY, "before": 10, "before_passed": 10, "late": 5, "service": "sendgrid"}
    addresses = tuple(source(address=f"192.0.2.{n}", **few) for n in range(20))
    whole = source(address="", name="SendGrid", service="sendgrid", **{**KNOWN, "before": 200, "before_passed": 200},
                   late=100)  # fmt: skip

    (finding,) = found(Rule.SOURCE_FAILING, {"sources": (*addresses, whole)})

    assert finding.title == "SendGrid begins to fail for example.com"


def test_a_new_source_is_told_by_its_name() -> None:
    (finding,) = found(Rule.NEW_FAILING_SOURCE, {"sources": (source(name="Mailchimp", week=150),)})

    assert finding.title == "Mailchimp (192.0.2.1) is new and fails for example.com"
    assert "Mailchimp (192.0.2.1): 150" in finding.detail


@pytest.mark.parametrize(
    ("fullness", "title", "text"),
    [
        (0.81, "The object store is nearly full", "From 88 % on: emails over 256 kB wait in their mailbox"),
        (0.90, "The object store takes no more large emails", "The oldest dead letters go to make room."),
    ],
)
def test_the_object_store_is_told_of_before_its_reserve_is_reached_and_then(
    fullness: float, title: str, text: str
) -> None:
    (finding,) = found(Rule.STORE_FULL, {"stores": (Store("OBJ_mail", fullness, 7 / 8), Store("MAIL", 0.1))})

    assert finding.title == title
    assert text in finding.detail


def test_a_mailbox_that_keeps_large_emails_back_says_so_in_words() -> None:
    (finding,) = found(Rule.MAILBOX_FAULT, {"mailboxes": (failing("store_full", 31),)})

    assert finding.title == "Mailbox Reports keeps large emails back"
    assert "emails over 256 kB wait in the mailbox" in finding.detail
