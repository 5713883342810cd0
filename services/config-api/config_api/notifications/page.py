"""Settings > Notifications: channels with a test, rules, mutes, and the history of what was told to whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import Conflict, Invalid, Unavailable, not_found
from config_api.notifications import channels, queries
from config_api.notifications.form import channel_values, rule_values
from config_api.notifications.shapes import AlertQuery, ChannelInput, DeliveryQuery, MuteInput, RuleView
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.validation import validated
from config_api.web.view import Template, on_loop, query, template
from config_api.web.words import Said
from pipeline.notifications.channels import ChannelKind, ChannelTested

HERE = "/settings/notifications"
DAY = timedelta(days=1)
KINDS = {ChannelKind.EMAIL: "Email", ChannelKind.WEBHOOK: "Webhook", ChannelKind.APPRISE: "Chat or pager (Apprise)"}
URGENCIES = {"info": Said("Info"), "warning": Said("Warning", "warn"), "critical": Said("Critical", "bad")}
STATES = {
    "waiting": Said("Waiting", "accent"), "sending": Said("Being sent", "accent"), "sent": Said("Sent", "good"),
    "dead": Said("Given up", "bad"), "dropped": Said("Not sent"),
}  # fmt: skip

blueprint = Blueprint("notifications", __name__, url_prefix=HERE, template_folder="templates")


@blueprint.get("")
@needs(Scope.READ)
@on_loop
async def show() -> Template:
    """The channels, and what is muted."""
    return await _overview()


@blueprint.get("/channels/new")
@needs(Scope.ADMIN)
@on_loop
async def new_channel() -> Template:
    """The form for a channel of the kind that the query names."""
    return _channel_form(_kind(request.args.get("kind", "email")))


@blueprint.post("/channels/new")
@needs(Scope.ADMIN)
@on_loop
async def create_channel() -> Any:
    """Adds the channel, and shows its signing key, this once."""
    kind = _kind(request.form.get("kind", ""))
    values = channel_values(request.form, kind)
    try:
        made = await channels.create(backend(), validated(ChannelInput, values), who=who())
    except (Conflict, Invalid) as error:
        return _refused(kind, values, error)
    return await _overview(made=made) if made.signing_key else told(HERE, "channel-added")


@blueprint.get("/channels/<channel_id>")
@needs(Scope.ADMIN)
@on_loop
async def one_channel(channel_id: str) -> Template:
    """The form for a saved channel."""
    found = await channels.get(backend(), channel_id)
    return _channel_form(found.kind, found.model_dump(mode="json"), stored=found)


@blueprint.post("/channels/<channel_id>")
@needs(Scope.ADMIN)
@on_loop
async def change_channel(channel_id: str) -> Any:
    """Saves the channel; an empty secret keeps the saved one."""
    found = await channels.get(backend(), channel_id)
    values = channel_values(request.form, found.kind)
    try:
        await channels.change(backend(), channel_id, values, who=who())
    except (Conflict, Invalid) as error:
        return _refused(found.kind, values, error, stored=found)
    return told(HERE, "channel-saved")


@blueprint.post("/channels/<channel_id>/test")
@needs(Scope.OPERATE)
@on_loop(timeout=channels.TEST_TIMEOUT + 5)
async def test_channel(channel_id: str) -> Any:
    """Sends the channel a message, and shows how that went."""
    try:
        tested = await channels.test(backend(), channel_id)
    except Unavailable as error:
        tested = ChannelTested(success=False, detail=f"{error.title}. {error.detail}")
    return await _overview(tested=(channel_id, tested))


@blueprint.get("/channels/<channel_id>/remove")
@needs(Scope.ADMIN)
@on_loop
async def ask_remove(channel_id: str) -> Template:
    """Asks whether the channel is to go."""
    found = await channels.get(backend(), channel_id)
    return template("notifications/remove.html", channel=found)


@blueprint.post("/channels/<channel_id>/remove")
@needs(Scope.ADMIN)
@on_loop
async def remove_channel(channel_id: str) -> Response:
    """Removes it."""
    await channels.remove(backend(), channel_id, who=who())
    return told(HERE, "channel-removed")


@blueprint.get("/rules")
@needs(Scope.READ)
@on_loop
async def rules() -> Template:
    """Every rule."""
    found = await queries.rules(backend())
    return template("notifications/rules.html", rules=found, urgencies=URGENCIES)


@blueprint.get("/rules/<code>")
@needs(Scope.ADMIN)
@on_loop
async def one_rule(code: str) -> Template:
    """The form of a rule."""
    return _rule_form(await _rule(code))


@blueprint.post("/rules/<code>")
@needs(Scope.ADMIN)
@on_loop
async def change_rule(code: str) -> Any:
    """Saves a rule, or sets it back to its defaults."""
    rule = await _rule(code)
    values = rule_values(request.form)
    if "reset" in request.form:
        values = dict.fromkeys(values)
    try:
        await queries.change_rule(backend(), code, values, who=who())
    except Invalid as wrong:
        return _rule_form(rule, values, faults={error.field: error.text for error in wrong.errors}), 422
    return told(f"{HERE}/rules", "rule-saved")


@blueprint.get("/history")
@needs(Scope.READ)
@on_loop
async def history() -> Template:
    """What was found, and who was told."""
    here = query()
    wanted = AlertQuery(cursor=here.get("cursor"), state=None, rule=None)
    found = await queries.alerts(backend(), wanted)
    dead = await queries.deliveries(backend(), DeliveryQuery(state="dead", limit=50))
    return template(
        "notifications/history.html", found=found, dead=dead.items, here=here, urgencies=URGENCIES, states=STATES
    )


@blueprint.post("/deliveries/<int:delivery_id>/retry")
@needs(Scope.OPERATE)
@on_loop
async def retry(delivery_id: int) -> Response:
    """Tries a dead sending again."""
    await queries.retry(backend(), delivery_id)
    return told(f"{HERE}/history", "sending-retried")


@blueprint.post("/mutes")
@needs(Scope.OPERATE)
@on_loop
async def mute() -> Response:
    """Mutes a rule about a subject, or a subject, for a day or for ever."""
    form = {name: request.form[name] for name in ("rule", "subject") if request.form.get(name)}
    until = datetime.now(UTC) + DAY if request.form.get("for") == "day" else None
    await queries.mute(backend(), validated(MuteInput, {**form, "until": until}), who=who())
    return told(f"{HERE}/history", "muted")


@blueprint.post("/mutes/<int:mute_id>/remove")
@needs(Scope.OPERATE)
@on_loop
async def unmute(mute_id: int) -> Response:
    """Tells again."""
    await queries.unmute(backend(), mute_id, who=who())
    return told(HERE, "unmuted")


async def _overview(**more: Any) -> Template:
    return template(
        "notifications/channels.html",
        channels=await channels.all(backend()),
        mutes=await queries.mutes(backend()),
        kinds=KINDS,
        **{"made": None, "tested": None, **more},
    )


def _channel_form(kind: ChannelKind, values: dict[str, Any] | None = None, **more: Any) -> Template:
    given = values or {"enabled": True, "email": {"port": 587, "security": "starttls"}, "digest_hour": 7}
    return template(
        "notifications/channel.html", kind=kind.value, kind_name=KINDS[kind], v=given,
        **{"stored": None, "faults": {}, **more},
    )  # fmt: skip


def _refused(kind: ChannelKind, values: dict[str, Any], error: Conflict | Invalid, **more: Any) -> tuple[Template, int]:
    faults = {each.field.removeprefix("email."): each.text for each in error.errors}
    shown = {name: value for name, value in values.items() if name not in ("url", "password")}
    return _channel_form(kind, shown, faults=faults, complaint=error.detail, **more), 409 if isinstance(
        error, Conflict
    ) else 422


def _rule_form(rule: RuleView, values: dict[str, Any] | None = None, **more: Any) -> Template:
    given = values or rule.model_dump(mode="json")
    return template("notifications/rule.html", rule=rule, v=given, **{"faults": {}, **more})


async def _rule(code: str) -> RuleView:
    found = next((rule for rule in await queries.rules(backend()) if rule.rule.value == code), None)
    if found is None:
        raise not_found("rule")
    return found


def _kind(text: str) -> ChannelKind:
    if text not in KINDS:
        raise not_found("kind of channel")
    return ChannelKind(text)
