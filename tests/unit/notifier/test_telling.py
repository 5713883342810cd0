"""Who is told when: quiet hours, mutes, channels, retries, digests."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from notifier.delivery import GIVE_UP_AFTER, Channel, Outcome, Sending, after
from notifier.digest.period import due
from notifier.findings import Finding
from notifier.message import message_of
from notifier.told import Mute, due_at, is_muted, listeners
from pipeline.notifications.channels import ChannelSettings
from pipeline.notifications.rules import QuietHours, Rule, Urgency

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FINDING = Finding(Rule.TLS_FAILURES, "example.com", "TLS fails", "12 failed", domain="example.com")


def channel(**settings: Any) -> Channel:
    given = {"name": "Ops", "kind": "webhook", "destination": "https://example.com:443", **settings}
    return Channel("ops", ChannelSettings.model_validate(given), "", NOW)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("21:59", "21:59"),
        ("22:00", "07:00+1"),
        ("23:30", "07:00+1"),
        ("03:00", "07:00"),
        ("06:59", "07:00"),
        ("07:00", "07:00"),
    ],
)
def test_alerts_wait_for_the_end_of_quiet_hours_over_midnight(now: str, expected: str) -> None:
    quiet = QuietHours(begin=time(22), end=time(7), time_zone="Europe/Berlin")
    clock, _, days = expected.partition("+")
    at = datetime.combine(date(2026, 11, 20), time.fromisoformat(now), tzinfo=quiet.zone)
    wanted = datetime.combine(date(2026, 11, 20 + int(days or 0)), time.fromisoformat(clock), tzinfo=quiet.zone)

    assert due_at(at.astimezone(UTC), quiet, Urgency.WARNING) == wanted
    assert due_at(at.astimezone(UTC), quiet, Urgency.CRITICAL) == at


def test_quiet_hours_of_one_day_end_on_that_day() -> None:
    quiet = QuietHours(begin=time(11), end=time(13))

    assert due_at(NOW, quiet, Urgency.INFO) == NOW + timedelta(hours=1)
    assert due_at(NOW + timedelta(hours=2), quiet, Urgency.INFO) == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("mute", "muted"),
    [
        (Mute("tls_failures", None), True),
        (Mute("tls_failures", "example.com"), True),
        (Mute(None, "example.com"), True),
        (Mute("tls_failures", "example.org"), False),
        (Mute("dead_letters", None), False),
        (Mute(None, None), False),
    ],
)
def test_a_mute_is_about_a_rule_or_a_subject(mute: Mute, muted: bool) -> None:
    assert is_muted(FINDING, [mute]) is muted


@pytest.mark.parametrize(
    ("settings", "hears"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"urgency": "critical"}, False),
        ({"domains": ["example.org"]}, False),
        ({"domains": ["Example.COM "]}, True),
    ],
)
def test_a_channel_hears_what_it_asked_for(settings: dict[str, Any], hears: bool) -> None:
    assert bool(listeners(FINDING, Urgency.WARNING, [channel(**settings)])) is hears


def sending(*payloads: tuple[str, dict[str, Any]], attempts: int = 1, age: timedelta = timedelta()) -> Sending:
    known = tuple((kind, f"{kind}.{n}", payload) for n, (kind, payload) in enumerate(payloads))
    return Sending(channel(), (1,), "ops.alert.1", known, attempts, NOW - age, NOW, NOW)


def test_retries_come_with_growing_delay_for_a_day_and_then_it_is_dead() -> None:
    failed = Outcome(False, "500")
    delays = [after(sending(attempts=n), failed, NOW)[1] for n in (1, 2, 3, 10, 5000)]

    assert [(at - NOW).total_seconds() for at in delays if at] == [30, 60, 120, 3600, 3600]
    assert after(sending(attempts=30, age=GIVE_UP_AFTER), failed, NOW) == ("dead", None)
    assert after(sending(), Outcome(False, "gone", permanent=True), NOW) == ("dead", None)
    assert after(sending(), Outcome(True, ""), NOW) == ("sent", None)


def test_the_other_side_may_ask_for_a_longer_wait_within_bounds() -> None:
    _, soon = after(sending(), Outcome(False, "429", retry_after=90.0), NOW)
    _, never = after(sending(), Outcome(False, "429", retry_after=1e18), NOW)

    assert soon == NOW + timedelta(seconds=90)
    assert never == NOW + timedelta(hours=1)


def test_several_alerts_are_one_message_with_the_worst_in_its_title() -> None:
    def alert(number: int, urgency: str) -> dict[str, Any]:
        return {
            "id": number, "rule": "tls_failures", "subject": "s", "urgency": urgency, "title": f"Alert {number}",
            "detail": "d", "count": 1, "link": "http://x/", "opened_at": NOW.isoformat(),
        }  # fmt: skip

    message = message_of(
        sending(("alert", alert(1, "info")), ("alert", alert(2, "critical")), ("resolved", alert(3, "info")))
    )

    assert message.title == "[critical] 2 alerts, 1 resolved"
    assert all(f"Alert {number}" in message.text for number in (1, 2, 3))
    assert "Resolved: Alert 3" in message.text


@pytest.mark.parametrize(
    ("rhythm", "now", "first", "last"),
    [
        ("daily", "2026-11-20T07:00", "2026-11-19", "2026-11-19"),
        ("daily", "2026-11-20T06:59", "2026-11-18", "2026-11-18"),
        ("weekly", "2026-11-23T07:00", "2026-11-16", "2026-11-22"),  # a Monday
        ("weekly", "2026-11-23T06:00", "2026-11-09", "2026-11-15"),
        ("weekly", "2026-11-29T23:00", "2026-11-16", "2026-11-22"),
    ],
)
def test_a_digest_is_due_for_the_last_period_that_is_over(rhythm: str, now: str, first: str, last: str) -> None:
    period = due(datetime.fromisoformat(now).replace(tzinfo=UTC), channel(digest=rhythm).settings)

    assert period is not None
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)
    assert period.before.last == period.first - timedelta(days=1)
    assert period.before.days == period.days


def test_the_hour_of_a_digest_is_that_of_its_zone() -> None:
    settings = channel(digest="daily", time_zone="Asia/Tokyo").settings

    period = due(datetime(2026, 11, 19, 22, 30, tzinfo=UTC), settings)  # 07:30 on the 20th there

    assert period is not None
    assert period.last == date(2026, 11, 19)
    assert due(NOW, channel(digest="none").settings) is None


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "/etc/localtime", "Europe", "a" * 65])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError):
        channel(time_zone=zone)
