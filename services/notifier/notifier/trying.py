"""Answers the request for a test of a channel: sends it a message at once, and says how that went."""

from datetime import UTC, datetime
from uuid import uuid4

from pydantic import ValidationError

from notifier import store
from notifier.message import trial
from notifier.sending import Sender
from pipeline.errors import TryLater
from pipeline.notifications.channels import ChannelTest, ChannelTested
from pipeline.postgres.connection import Database


class Trier:
    """In a dry run it says so, and sends nothing."""

    def __init__(self, database: Database, sender: Sender, *, dry_run: bool) -> None:
        self._database = database
        self._sender = sender
        self._dry_run = dry_run

    async def answer(self, request: bytes) -> bytes:
        """The ChannelTested for a ChannelTest, both as JSON."""
        return (await self._tried(request)).model_dump_json().encode()

    async def _tried(self, request: bytes) -> ChannelTested:
        try:
            wanted = ChannelTest.model_validate_json(request)
            async with self._database.connection() as connection:
                channel = await store.channel(connection, wanted.channel_id)
        except ValidationError:
            return ChannelTested(success=False, detail="the request cannot be read")
        except TryLater as error:
            return ChannelTested(success=False, detail=f"{error.dependency} is away just now")
        if channel is None:
            return ChannelTested(success=False, detail="there is no such channel")
        if self._dry_run:
            return ChannelTested(success=False, detail="nothing was sent: DMARQ_NOTIFY_DRY_RUN is set")
        message = trial(f"{channel.id}.test.{uuid4().hex}", channel.settings.name)
        outcome = await self._sender.send(channel, message, datetime.now(UTC))
        return ChannelTested(success=outcome.sent, detail=outcome.detail)
