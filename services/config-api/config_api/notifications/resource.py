"""Channels, rules, alerts, sendings and mutes, for programs."""

from collections.abc import Coroutine
from typing import Any

from flask import Blueprint, Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.notifications import channels, queries
from config_api.notifications.shapes import (
    AlertQuery,
    AlertView,
    ChannelInput,
    ChannelList,
    ChannelPatch,
    ChannelView,
    DeliveryQuery,
    DeliveryView,
    MuteInput,
    MuteList,
    MuteView,
    NewChannel,
    RuleList,
    RulePatch,
    RuleView,
)
from config_api.web.api.totals import with_total
from config_api.web.contract import PREFIX, operation
from config_api.web.paging import Page
from config_api.web.view import on_loop
from pipeline.notifications.channels import ChannelTested

routes = Blueprint("api_notifications", __name__, url_prefix=f"{PREFIX}/notifications")


@routes.get("/channels")
@operation(Scope.READ, gives=ChannelList)
async def list_channels() -> ChannelList:
    """Every channel."""
    return ChannelList(items=await channels.all(backend()))


@routes.post("/channels")
@operation(Scope.ADMIN, gives=NewChannel, status=201, fails=(409, 415))
async def create_channel(json: ChannelInput) -> Any:
    """Add a channel. A signing key that was made for it is in the answer and nowhere else."""
    made = await channels.create(backend(), json, who=who())
    return made, 201, {"Location": f"{PREFIX}/notifications/channels/{made.id}", "Cache-Control": "no-store"}


@routes.get("/channels/<channel_id>")
@operation(Scope.READ, gives=ChannelView, fails=(404,))
async def get_channel(channel_id: str) -> ChannelView:
    """One channel."""
    return await channels.get(backend(), channel_id)


@routes.patch("/channels/<channel_id>")
@operation(Scope.ADMIN, gives=ChannelView, fails=(404, 415))
async def change_channel(channel_id: str, json: ChannelPatch) -> ChannelView:
    """Change some settings of a channel. Saved secrets are kept only for the destination they were saved for."""
    return await channels.change(backend(), channel_id, json.root, who=who())


@routes.delete("/channels/<channel_id>")
@operation(Scope.ADMIN, status=204, fails=(404,))
async def delete_channel(channel_id: str) -> Response:
    """Remove a channel, and what waits for it."""
    await channels.remove(backend(), channel_id, who=who())
    return Response(status=204)


@routes.post("/channels/<channel_id>/test")
@operation(Scope.OPERATE, gives=ChannelTested, fails=(404,))
@on_loop(timeout=channels.TEST_TIMEOUT + 5)
async def test_channel(channel_id: str) -> ChannelTested:
    """Have a notifier send the channel a message now; the answer tells how that went."""
    return await channels.test(backend(), channel_id)


@routes.get("/rules")
@operation(Scope.READ, gives=RuleList)
async def list_rules() -> RuleList:
    """Every rule with its settings."""
    return RuleList(items=await queries.rules(backend()))


@routes.patch("/rules/<rule>")
@operation(Scope.ADMIN, gives=RuleView, fails=(404, 415))
async def change_rule(rule: str, json: RulePatch) -> RuleView:
    """Change some settings of a rule; null goes back to the default."""
    return await queries.change_rule(backend(), rule, json.root, who=who())


@routes.get("/alerts")
@operation(Scope.READ, gives=Page[AlertView])
async def list_alerts(query: AlertQuery) -> Page[AlertView]:
    """Alerts, the newest first: what was found, why, who was told, and where the evidence is."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[AlertView]]:
        return queries.alerts(back, query.model_copy(update={"limit": limit, "cursor": cursor}))

    return await with_total(await page(query.limit, query.cursor), query, page)


@routes.get("/deliveries")
@operation(Scope.READ, gives=Page[DeliveryView])
async def list_deliveries(query: DeliveryQuery) -> Page[DeliveryView]:
    """Everything that was or will be sent, the newest first."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[DeliveryView]]:
        return queries.deliveries(back, query.model_copy(update={"limit": limit, "cursor": cursor}))

    return await with_total(await page(query.limit, query.cursor), query, page)


@routes.post("/deliveries/<int:delivery_id>/retry")
@operation(Scope.OPERATE, status=204, fails=(404,))
async def retry_delivery(delivery_id: int) -> Response:
    """Try again what was given up after a day of failures."""
    await queries.retry(backend(), delivery_id)
    return Response(status=204)


@routes.get("/mutes")
@operation(Scope.READ, gives=MuteList)
async def list_mutes() -> MuteList:
    """Every mute that holds."""
    return MuteList(items=await queries.mutes(backend()))


@routes.post("/mutes")
@operation(Scope.OPERATE, gives=MuteView, status=201, fails=(415,))
async def create_mute(json: MuteInput) -> Any:
    """Note alerts of a rule, or about a subject, and tell nobody: until a time, or for ever."""
    return await queries.mute(backend(), json, who=who()), 201, {}


@routes.delete("/mutes/<int:mute_id>")
@operation(Scope.OPERATE, status=204, fails=(404,))
async def delete_mute(mute_id: int) -> Response:
    """Tell again."""
    await queries.unmute(backend(), mute_id, who=who())
    return Response(status=204)
