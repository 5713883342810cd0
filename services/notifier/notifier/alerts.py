"""Alerts: what the rules find is written down, with everything that must be sent for it, in one transaction.

While a finding holds, it is one alert. When it is no longer found for `HOLD`, the alert is resolved, and who was
told of it is told that, too. All of it may be repeated: what is there already is not made again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from notifier import store
from notifier.delivery import Channel
from notifier.facts import Facts
from notifier.findings import Finding
from notifier.rules import find
from notifier.store import SQL
from notifier.told import Mute, due_at, is_muted, listeners
from pipeline.notifications.rules import Rule, RuleSettings, Urgency
from pipeline.notifications.webhook import AlertBody
from pipeline.postgres.connection import Connection, Database

HOLD = timedelta(minutes=5)  # what comes and goes within it is one alert


@dataclass(frozen=True, slots=True)
class Options:
    """How alerts are told. `public_url` leads to config-api. In a dry run nothing is to be sent."""

    public_url: str
    dry_run: bool = False
    hold: timedelta = HOLD


@dataclass(slots=True)
class Noted:
    """What a look changed: how many alerts were opened, and how many resolved."""

    opened: int = 0
    resolved: int = 0


@dataclass(frozen=True, slots=True)
class _Judging:
    connection: Connection
    now: datetime
    options: Options
    settings: Mapping[Rule, RuleSettings]
    channels: Sequence[Channel]
    mutes: Sequence[Mute]
    noted: Noted = field(default_factory=Noted)


async def note(database: Database, facts: Facts, rules: Iterable[Rule], options: Options) -> Noted:
    """Judges the facts by these rules, which must be all that the facts are enough for. Raises TryLater."""
    codes = [rule.value for rule in rules]
    async with database.transaction() as connection:
        await connection.execute(SQL["lock_alerts"])
        judging = _Judging(
            connection,
            facts.now,
            options,
            await store.rules(connection),
            await store.channels(connection),
            await store.mutes(connection, facts.now),
        )
        found = {(f.rule.value, f.subject): f for f in find(facts, judging.settings) if f.rule.value in codes}
        rows = await connection.fetch(SQL["open_alerts"], codes)
        open_alerts = {(row["rule"], row["subject"]): dict(row) for row in rows}
        for identity, alert in open_alerts.items():
            if identity in found:
                await _update(judging, alert, found[identity])
            elif facts.now - alert["last_at"] >= options.hold:
                await _resolve(judging, alert)
        for finding in await _new(judging, [f for identity, f in found.items() if identity not in open_alerts]):
            await _open(judging, finding)
    return judging.noted


async def _new(judging: _Judging, findings: list[Finding]) -> list[Finding]:
    """Those that were not told before; of what happens once, an alert is made once."""
    known: set[tuple[str, str]] = set()
    for rule in {finding.rule.value for finding in findings if finding.at}:
        subjects = [finding.subject for finding in findings if finding.rule.value == rule]
        rows = await judging.connection.fetch(SQL["known_subjects"], rule, subjects)
        known |= {(rule, row["subject"]) for row in rows}
    return [finding for finding in findings if (finding.rule.value, finding.subject) not in known]


async def _open(judging: _Judging, finding: Finding) -> None:
    settings = judging.settings[finding.rule]
    muted = is_muted(finding, judging.mutes)
    alert_id = await judging.connection.fetchval(
        SQL["insert_alert"], finding.rule.value, finding.subject, finding.domain, settings.urgency.value, finding.title,
        finding.detail, finding.link, finding.count, muted, judging.now, judging.now if finding.at else None,
    )  # fmt: skip
    judging.noted.opened += 1
    if muted:
        return
    row = {
        "id": alert_id, "rule": finding.rule.value, "subject": finding.subject, "domain": finding.domain,
        "urgency": settings.urgency, "title": finding.title, "detail": finding.detail, "count": finding.count,
        "link": finding.link, "opened_at": judging.now,
    }  # fmt: skip
    at = due_at(judging.now, settings.quiet_hours, settings.urgency)
    for channel in listeners(finding, settings.urgency, judging.channels):
        await _deliver(judging, channel.id, "alert", row, due=at)


async def _update(judging: _Judging, alert: Mapping[str, Any], finding: Finding) -> None:
    await judging.connection.execute(
        SQL["update_alert"], alert["id"], finding.title, finding.detail, finding.link, finding.count, judging.now
    )


async def _resolve(judging: _Judging, alert: Mapping[str, Any]) -> None:
    await judging.connection.execute(SQL["resolve_alert"], alert["id"], judging.now)
    judging.noted.resolved += 1
    await judging.connection.execute(SQL["drop_unsent"], alert["id"])
    settings = judging.settings[Rule(alert["rule"])]
    if not settings.enabled:
        return  # it was switched off: nobody knows whether it still holds
    enabled = {channel.id for channel in judging.channels if channel.settings.enabled}
    at = due_at(judging.now, settings.quiet_hours, Urgency(alert["urgency"]))
    for row in await judging.connection.fetch(SQL["told_channels"], alert["id"]):
        if row["channel_id"] in enabled:
            await _deliver(judging, row["channel_id"], "resolved", {**alert, "resolved_at": judging.now}, due=at)


async def _deliver(judging: _Judging, channel_id: str, kind: str, alert: Mapping[str, Any], *, due: datetime) -> None:
    body = AlertBody.model_validate({**alert, "link": judging.options.public_url.rstrip("/") + alert["link"]})
    key = f"{kind}.{body.id}"
    state, detail = ("dropped", "dry run") if judging.options.dry_run else ("waiting", "")
    payload = body.model_dump(mode="json")
    await judging.connection.execute(
        SQL["insert_delivery"], channel_id, kind, key, body.id, payload, state, due, detail
    )
