"""What the rules find is written down once, with all that must be sent for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notifier import alerts
from notifier.alerts import HOLD, Noted, Options
from notifier.facts import Change, Facts, Failures, TlsSessions
from notifier.rules import CHECKS
from pipeline.notifications.rules import Rule
from pipeline.postgres.connection import Database
from tests.support.fixtures_postgres import rows, values
from tests.support.notifying import put_channel
from tests.support.rule_cases import NOW as SEEN
from tests.support.rule_cases import SPEAKS

NOW = datetime.now(UTC)
OPTIONS = Options("https://dmarq.example")
FAILING = Facts(now=NOW, failed_mails=(Failures("not_well_formed", 10_000),))
OVER = Facts(now=NOW + HOLD)
DELIVERIES = "SELECT channel_id, kind, key, state, due_at FROM notify_delivery ORDER BY id"


@pytest.fixture(autouse=True)
async def ops(postgres: Database) -> None:
    await put_channel(postgres, "ops", url="https://hooks.example.com/x")


async def note(postgres: Database, facts: Facts, options: Options = OPTIONS) -> Noted:
    return await alerts.note(postgres, facts, CHECKS, options)


async def kinds(postgres: Database) -> list[tuple[str, str]]:
    return [(row["kind"], row["state"]) for row in await rows(postgres, DELIVERIES)]


async def test_a_wave_of_10_000_failing_mails_is_one_alert_however_often_it_is_seen(postgres: Database) -> None:
    for minutes in range(5):
        await note(postgres, replace(FAILING, now=NOW + timedelta(minutes=minutes)))

    (alert,) = await rows(postgres, "SELECT * FROM notify_alert")
    assert alert["count"] == 10_000
    assert await kinds(postgres) == [("alert", "waiting")]


async def test_it_is_resolved_when_it_is_over_and_who_was_told_is_told_so(postgres: Database) -> None:
    await note(postgres, FAILING)
    async with postgres.connection() as connection:
        await connection.execute("UPDATE notify_delivery SET state = 'sent', attempts = 1")

    assert (await note(postgres, replace(OVER, now=NOW + HOLD / 2))).resolved == 0
    assert (await note(postgres, OVER)).resolved == 1

    assert await kinds(postgres) == [("alert", "sent"), ("resolved", "waiting")]
    assert (await note(postgres, OVER)).resolved == 0


async def test_what_is_over_before_it_was_sent_is_told_to_nobody(postgres: Database) -> None:
    await note(postgres, FAILING)
    await note(postgres, OVER)

    assert await kinds(postgres) == [("alert", "dropped")]


async def test_what_comes_again_after_its_end_is_a_new_alert(postgres: Database) -> None:
    await note(postgres, FAILING)
    await note(postgres, OVER)
    await note(postgres, replace(FAILING, now=NOW + 2 * HOLD))

    assert [row["kind"] for row in await rows(postgres, DELIVERIES)] == ["alert", "alert"]


async def test_what_happens_once_is_told_once_and_is_over_at_once(postgres: Database) -> None:
    changed = Facts(now=NOW, changes=(Change("c1", "reports", "admin changed the folder", NOW + timedelta(hours=1)),))
    for minutes in (0, 1, 2):
        await note(postgres, replace(changed, now=NOW + timedelta(minutes=minutes)))

    assert await kinds(postgres) == [("alert", "waiting")]
    assert await values(postgres, "SELECT resolved_at IS NOT NULL FROM notify_alert") == [True]


@pytest.mark.parametrize(("rule", "subject"), [("dead_letters", None), (None, "not_well_formed")])
async def test_what_is_muted_is_noted_and_told_to_nobody(
    postgres: Database, rule: str | None, subject: str | None
) -> None:
    async with postgres.connection() as connection:
        await connection.execute("INSERT INTO notify_mute (rule, subject, who) VALUES ($1, $2, 'me')", rule, subject)

    await note(postgres, FAILING)
    await note(postgres, OVER)

    assert await values(postgres, "SELECT muted FROM notify_alert") == [True]
    assert await kinds(postgres) == []


async def test_a_mute_ends(postgres: Database) -> None:
    ended = "INSERT INTO notify_mute (rule, until, who) VALUES ('dead_letters', $1, 'me')"
    async with postgres.connection() as connection:
        await connection.execute(ended, NOW - timedelta(seconds=1))

    await note(postgres, FAILING)

    assert await kinds(postgres) == [("alert", "waiting")]


async def test_in_a_dry_run_everything_is_written_down_and_nothing_waits_to_be_sent(postgres: Database) -> None:
    await note(postgres, FAILING, Options("https://dmarq.example", dry_run=True))

    assert await kinds(postgres) == [("alert", "dropped")]


async def test_every_channel_gets_what_it_asked_for_with_a_link_to_the_evidence(postgres: Database) -> None:
    await put_channel(postgres, "other", url="https://hooks.example.com/y", domains=["example.org"])
    await put_channel(postgres, "pager", url="https://hooks.example.com/z", urgency="critical")

    await note(postgres, Facts(now=NOW, tls=(TlsSessions("example.com", 5, 50),)))

    (delivery,) = await rows(postgres, "SELECT channel_id, payload FROM notify_delivery")
    assert delivery["channel_id"] == "ops"
    assert delivery["payload"]["link"] == "https://dmarq.example/reports?kind=tls&domain=example.com"


async def test_a_rule_may_have_quiet_hours_and_a_threshold_of_its_own(postgres: Database) -> None:
    begin, end = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    quiet: dict[str, Any] = {"begin": f"{begin:%H:%M}", "end": f"{end:%H:%M}", "time_zone": "UTC"}
    insert = "INSERT INTO notify_rule (rule, settings) VALUES ($1, $2)"
    async with postgres.connection() as connection:
        await connection.execute(insert, "dead_letters", {"quiet_hours": quiet})
        await connection.execute(insert, "tls_failures", {"threshold": 1000})

    await note(postgres, replace(FAILING, tls=(TlsSessions("example.com", 5, 50),)))

    (delivery,) = await rows(postgres, DELIVERIES)
    assert delivery["key"].startswith("alert.")
    assert delivery["due_at"] == end.replace(second=0, microsecond=0)


@pytest.mark.parametrize(("rule", "seen"), SPEAKS)
async def test_every_rule_raises_an_alert_and_ends_it_when_it_is_over(
    postgres: Database, rule: Rule, seen: dict[str, Any]
) -> None:
    async def states() -> list[tuple[str, bool]]:
        found = await rows(postgres, "SELECT rule, resolved_at IS NOT NULL AS over FROM notify_alert ORDER BY id")
        return [(row["rule"], row["over"]) for row in found if row["rule"] == rule.value]

    async with postgres.connection() as connection:
        await connection.execute("UPDATE notify_channel SET created_at = $1", SEEN - timedelta(days=30))
    await note(postgres, Facts(now=SEEN, **seen))
    assert await states() == [(rule.value, rule is Rule.SETTINGS_CHANGED)]
    async with postgres.connection() as connection:
        await connection.execute("UPDATE notify_delivery SET state = 'sent', attempts = 1")

    await note(postgres, Facts(now=SEEN + HOLD))
    assert await states() == [(rule.value, True)]
    told = ["alert"] if rule is Rule.SETTINGS_CHANGED else ["alert", "resolved"]
    assert [kind for kind, _ in await kinds(postgres) if kind][: len(told)] == told


async def test_of_changes_before_it_was_made_a_channel_is_not_told(postgres: Database) -> None:
    made = Change("c1", "notifications", "admin added the channel ops", NOW - timedelta(minutes=1))
    await note(postgres, Facts(now=NOW, changes=(made,)))

    assert await values(postgres, "SELECT title FROM notify_alert") == ["Notification settings were changed"]
    assert await kinds(postgres) == []
