"""Rules, alerts, sendings and mutes in the database."""

from collections.abc import Mapping
from typing import Any

from config_api.backend import Backend
from config_api.errors import FieldError, invalid, not_found
from config_api.mailboxes.changes import patched
from config_api.mailboxes.journal import note
from config_api.notifications.channels import JOURNAL_ID
from config_api.notifications.shapes import (
    AlertQuery,
    AlertView,
    DeliveryQuery,
    DeliveryView,
    MuteInput,
    MuteView,
    RuleView,
)
from config_api.notifications.sql import SQL
from config_api.web.paging import MAX_BIGINT, Page, moment_number_mark, number_mark, page_of
from config_api.web.validation import validated
from pipeline.notifications.rules import CATALOGUE, Rule, RuleSettings, settings_of
from pipeline.postgres.connection import Connection


async def rules(backend: Backend) -> list[RuleView]:
    """Every rule with its settings."""
    async with backend.database.connection() as connection:
        saved = await _saved(connection)
    return [_rule(rule, settings, saved) for rule, settings in settings_of(saved).items()]


async def change_rule(backend: Backend, code: str, patch: Mapping[str, Any], *, who: str) -> RuleView:
    """The rule with a JSON merge patch applied; null goes back to the default. Raises NotFound, Invalid."""
    if code not in CATALOGUE:
        raise not_found("rule")
    rule = Rule(code)
    async with backend.database.transaction() as connection:
        saved = await _saved(connection)
        changed = patched(saved.get(code, {}), patch)
        validated(RuleSettings, {**CATALOGUE[rule].defaults.model_dump(), **changed})
        after = {**saved, code: changed}
        was, now = (dict(settings_of(each)[rule]) for each in (saved, after))
        fields = [name for name in now if now[name] != was[name]]
        await connection.execute(SQL["set_rule"], code, changed)
        if fields:
            text = f"{who} changed the rule {code}: {', '.join(fields)}"
            await note(connection, JOURNAL_ID, "rule_changed", text=text, who=who)
    return _rule(rule, settings_of(after)[rule], after)


async def alerts(backend: Backend, query: AlertQuery) -> Page[AlertView]:
    """Alerts, the newest first, with who was told."""
    mark = moment_number_mark(query.cursor) or (None, None)
    rule = query.rule.value if query.rule else None
    async with backend.database.connection() as connection:
        rows = await connection.fetch(SQL["alerts"], *mark, query.state, rule, query.limit + 1)
        told = await connection.fetch(SQL["deliveries_of"], [row["id"] for row in rows])
    found = [
        AlertView.model_validate({**dict(row), "deliveries": [dict(one) for one in told if one["alert"] == row["id"]]})
        for row in rows
    ]
    return page_of(found, query.limit, lambda alert: (alert.opened_at, alert.id))


async def deliveries(backend: Backend, query: DeliveryQuery) -> Page[DeliveryView]:
    """Sendings, the newest first."""
    async with backend.database.connection() as connection:
        rows = await connection.fetch(
            SQL["deliveries"], number_mark(query.cursor), query.state, query.channel_id, query.limit + 1
        )
    return page_of([DeliveryView.model_validate(dict(row)) for row in rows], query.limit, lambda one: (one.id,))


async def retry(backend: Backend, delivery_id: int) -> None:
    """Tries a dead sending again, for another day. Raises NotFound when it is not dead."""
    async with backend.database.connection() as connection:
        known = delivery_id <= MAX_BIGINT and await connection.fetchval(SQL["retry_delivery"], delivery_id)
    if not known:
        raise not_found("dead sending")


async def mutes(backend: Backend) -> list[MuteView]:
    """Every mute that holds, the newest first."""
    async with backend.database.connection() as connection:
        return [MuteView.model_validate(dict(row)) for row in await connection.fetch(SQL["mutes"])]


async def mute(backend: Backend, wanted: MuteInput, *, who: str) -> MuteView:
    """One more mute. Raises Invalid for one of everything."""
    if wanted.rule is None and wanted.subject is None:
        raise invalid(
            FieldError(field="rule", text="Say a rule, a subject, or both; to mute all, switch channels off.")
        )
    rule = wanted.rule.value if wanted.rule else None
    async with backend.database.transaction() as connection:
        row = await connection.fetchrow(SQL["insert_mute"], rule, wanted.subject, wanted.until, who)
        what = " about ".join(part for part in (rule or "everything", wanted.subject) if part)
        await note(connection, JOURNAL_ID, "muted", text=f"{who} muted {what}", who=who)
    return MuteView.model_validate(dict(row or {}))


async def unmute(backend: Backend, mute_id: int, *, who: str) -> None:
    """Removes a mute. Raises NotFound."""
    async with backend.database.transaction() as connection:
        if mute_id > MAX_BIGINT or await connection.fetchval(SQL["delete_mute"], mute_id) is None:
            raise not_found("mute")
        await note(connection, JOURNAL_ID, "unmuted", text=f"{who} removed a mute", who=who)


async def _saved(connection: Connection) -> dict[str, Any]:
    return {row["rule"]: row["settings"] for row in await connection.fetch(SQL["rules"])}


def _rule(rule: Rule, settings: RuleSettings, saved: Mapping[str, Any]) -> RuleView:
    about = CATALOGUE[rule]
    facts = {"rule": rule, "title": rule.text, "unit": about.unit, "is_default": not saved.get(rule.value)}
    return RuleView.model_validate({**settings.model_dump(), **facts})
