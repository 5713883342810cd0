"""The notifier's SQL; and channels, rules and mutes as config-api keeps them."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from pydantic import ValidationError

from notifier.delivery import Channel
from notifier.told import Mute
from pipeline.errors import described
from pipeline.notifications.channels import ChannelSettings
from pipeline.notifications.rules import Rule, RuleSettings, settings_of
from pipeline.postgres.connection import Connection, Record
from pipeline.postgres.statements import Statements

SQL = Statements.of("notifier")
log = structlog.get_logger(__name__)


async def channels(connection: Connection) -> list[Channel]:
    """Every channel that can be understood."""
    return _understood(await connection.fetch(SQL["channels"]))


async def channel(connection: Connection, channel_id: str) -> Channel | None:
    """One channel."""
    return next(iter(_understood(await connection.fetch(SQL["channel"], channel_id))), None)


async def rules(connection: Connection) -> dict[Rule, RuleSettings]:
    """The settings of every rule."""
    return settings_of({row["rule"]: row["settings"] for row in await connection.fetch(SQL["rules"])})


async def mutes(connection: Connection, now: datetime) -> list[Mute]:
    """What is muted now."""
    return [Mute(row["rule"], row["subject"]) for row in await connection.fetch(SQL["mutes"], now)]


def _understood(rows: Sequence[Record]) -> list[Channel]:
    found = []
    for row in rows:
        try:
            settings = ChannelSettings.model_validate(row["settings"])
        except ValidationError as error:  # of another version; the others go on
            log.error("channel_not_understood", channel=row["id"], error=described(error))
            continue
        found.append(Channel(row["id"], settings, row["secret"], row["created_at"]))
    return found
