"""Sending what is due: one after the other, each claimed, sent and settled; and a test of a channel, at once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import structlog
from pydantic import ValidationError

from notifier import deliveries, store
from notifier.delivery import Outcome, Sending
from notifier.message import message_of, trial
from notifier.sending.send import Sender
from pipeline.errors import TryLater, described
from pipeline.notifications.channels import ChannelTest, ChannelTested
from pipeline.postgres.connection import Database, StatementFault
from pipeline.telemetry.metrics import NOTIFY_DEAD, NOTIFY_OVERDUE, NOTIFY_SENDINGS, NOTIFY_WAITING

log = structlog.get_logger(__name__)

EVERY = 5.0  # seconds
OTHERS_EVERY = 20.0  # seconds: who finds something tells the others at once
AT_ONCE = 4  # so that a channel that hangs holds up no other
LONGEST = 100.0  # seconds of a sending, less than its lease

Clock = Callable[[], datetime]


class Courier:
    """Sends until told to stop; `noted` says that there may be something new."""

    def __init__(self, database: Database, sender: Sender, noted: asyncio.Event) -> None:
        self._database = database
        self._sender = sender
        self._noted = noted

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns when told to stop and what is in hand is settled."""
        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(self._loop(stopping, is_first=number == 0), name=f"courier-{number}")

    async def _loop(self, stopping: asyncio.Event, *, is_first: bool) -> None:
        while not stopping.is_set():
            self._noted.clear()
            try:
                while not stopping.is_set() and await self.send_one():
                    continue
                if is_first:
                    await self._count()
            except TryLater as error:
                log.info("sending_postponed", dependency=error.dependency, detail=error.detail[:200])
            except StatementFault as error:
                log.error("sending_failed", error=described(error))
            await self._idle(stopping, EVERY if is_first else OTHERS_EVERY)

    async def send_one(self) -> bool:
        """Sends the next thing that is due; False when there is none. Raises TryLater."""
        sending = await deliveries.claim(self._database, datetime.now(UTC))
        if sending is None:
            return False
        self._noted.set()  # it is rarely alone
        outcome = await self._sent(sending)
        NOTIFY_SENDINGS.labels(sending.channel.settings.kind.value, "sent" if outcome.sent else "failed").inc()
        about = {"channel": sending.channel.id, "key": sending.key, "attempt": sending.attempts}
        if outcome.sent:
            log.info("sent", **about)
        else:
            log.warning("not_sent", **about, detail=outcome.detail)
        if not await deliveries.settle(self._database, sending, outcome, datetime.now(UTC)):
            log.warning("lease_lost", **about)
        return True

    async def _sent(self, sending: Sending) -> Outcome:
        """How it ended; a fault of ours is one of this sending, and never stops the others."""
        try:
            sent = self._sender.send(sending.channel, message_of(sending), sending.created_at)
            return await asyncio.wait_for(sent, LONGEST)
        except TimeoutError:
            return Outcome(False, f"not done within {LONGEST:.0f} seconds")
        except Exception as error:  # noqa: BLE001 logged, and tried again as any failure
            log.error("sending_bug", key=sending.key, error=described(error))
            return Outcome(False, f"a fault of the notifier: {type(error).__name__}")

    async def _count(self) -> None:
        backlog = await deliveries.backlog(self._database, datetime.now(UTC))
        NOTIFY_WAITING.set(backlog.waiting)
        NOTIFY_DEAD.set(backlog.dead)
        NOTIFY_OVERDUE.set(backlog.overdue_seconds)

    async def _idle(self, stopping: asyncio.Event, seconds: float) -> None:
        tasks = [asyncio.create_task(self._noted.wait()), asyncio.create_task(stopping.wait())]
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Trier:
    """Answers the request for a test of a channel. In a dry run it says so, and sends nothing."""

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
