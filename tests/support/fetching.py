"""A fetcher inside the test's own process, and what it published."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import uuid4

from nats.js.errors import NotFoundError

from fetcher.__main__ import body
from pipeline.contracts.events import ActivityLogged, FetchRunFinished
from pipeline.contracts.mail import MailRef
from pipeline.contracts.mail_events import Event, MailActed, MailCommand, MailFetched, Outcome
from pipeline.contracts.mailbox import Action, Mailbox
from pipeline.contracts.topology import COMMAND, EVENT, MAIL, actor
from pipeline.contracts.wire import Envelope, decode
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.leases import LeaseBucket
from pipeline.runtime.service import Frame
from pipeline.settings import Settings
from pipeline.telemetry.health import Readiness
from tests.support.services import SECRET_KEY

TIMEOUT = 30.0  # seconds
E = TypeVar("E", bound=Event)
T = TypeVar("T")


@asynccontextmanager
async def fetching(bus: Bus, **environment: str) -> AsyncIterator[None]:
    """A fetcher that works inside the block; `environment` are variables without their prefix, in lower case."""
    stopping = asyncio.Event()
    variables = {f"DMARQ_{name.upper()}": value for name, value in environment.items()}
    settings = Settings.load({"DMARQ_SECRET_KEY": SECRET_KEY, **variables})
    task = asyncio.create_task(body(Frame(settings, bus, Readiness(), stopping)))
    try:
        yield
    finally:
        stopping.set()
        async with asyncio.timeout(TIMEOUT):
            await task


async def stored(bus: Bus, stream: str) -> list[Envelope]:
    """All events that the stream holds, in order; what is in the object store is loaded."""
    state = (await bus.js.stream_info(stream)).state
    found = []
    for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
        try:
            raw = await bus.js.get_msg(stream, seq=sequence, direct=True)
        except NotFoundError:  # somebody has acknowledged it
            continue
        found.append(await bus.loaded(decode(raw.headers or {}, raw.data or b"")))
    return found


async def fetched(bus: Bus) -> list[MailFetched]:
    """The mails that wait for the extractor."""
    return [e.event for e in await stored(bus, MAIL.name) if isinstance(e.event, MailFetched)]


async def bodies(bus: Bus) -> list[bytes]:
    """The bytes of the mails that wait for the extractor."""
    return [parcel.bytes for envelope in await stored(bus, MAIL.name) for parcel in envelope.cargo]


async def told(bus: Bus, kind: type[E]) -> list[E]:
    """The events of one kind in the EVENT stream."""
    return [e.event for e in await stored(bus, EVENT.name) if isinstance(e.event, kind)]


async def runs(bus: Bus) -> list[FetchRunFinished]:
    return await told(bus, FetchRunFinished)


async def imap_log(bus: Bus, name: str) -> list[ActivityLogged]:
    """The lines of the IMAP log with this name."""
    return [line for line in await told(bus, ActivityLogged) if line.name == name]


async def downloaded(bus: Bus) -> list[str]:
    """The UID sets whose bodies were asked for."""
    asked = [str(line.data["arguments"]) for line in await imap_log(bus, "command")]
    return [arguments.split(" ", 1)[0] for arguments in asked if "BODY.PEEK[]<0." in arguments]


async def until(bus: Bus, kind: type[E], count: int = 1, *, where: Callable[[E], bool] = lambda _: True) -> list[E]:
    """The events of this kind that fit, as soon as there are so many. Raises TimeoutError when they do not come."""
    looked_at = -1
    async with asyncio.timeout(TIMEOUT):
        while True:
            if looked_at != (looked_at := await _messages(bus, EVENT.name)):
                found = [event for event in await told(bus, kind) if where(event)]
                if len(found) >= count:
                    return found
            await asyncio.sleep(0.02)


async def until_fetched(bus: Bus, count: int) -> list[MailFetched]:
    """The mails that wait for the extractor, as soon as there are so many."""
    async with asyncio.timeout(TIMEOUT):
        while await _messages(bus, MAIL.name) < count:  # noqa: ASYNC110 the broker does not tell
            await asyncio.sleep(0.02)
    return await fetched(bus)


async def _messages(bus: Bus, stream: str) -> int:
    return int((await bus.js.stream_info(stream)).state.messages)


async def until_let_go(bus: Bus, mailbox: Mailbox) -> None:
    """Returns when nobody holds the mailbox any more."""
    leases = LeaseBucket(bus.js)
    async with asyncio.timeout(TIMEOUT):
        while True:
            try:
                lease = await leases.take(mailbox.id, holder=uuid4().hex)
            except TryLater:
                lease = None
            if lease is not None:
                return await leases.give_back(lease)
            await asyncio.sleep(0.02)


def command(event: MailFetched, action: Action, *, folder: str | None = None, take: int = 0, uid: int = 0) -> Envelope:
    """The command that the parser would give for this mail."""
    mail = event.mail
    if uid:
        mail = MailRef.of(mailbox_id=mail.mailbox_id, folder=mail.folder, uidvalidity=mail.uidvalidity, uid=uid)
    return Envelope(MailCommand(mail=mail, outcome=Outcome.IMPORTED, action=action, folder=folder, take=take))


async def acted(bus: Bus, *commands: Envelope) -> list[MailActed]:
    """What became of these commands, as soon as all of them have been reported."""
    before = len(await told(bus, MailActed))
    await bus.publish(commands)
    expected = len(commands)
    async with asyncio.timeout(TIMEOUT):
        while True:
            found = (await told(bus, MailActed))[before:]
            if sum(len(event.mail_ids) for event in found) >= expected:
                return found
            await asyncio.sleep(0.02)


async def has_actor(bus: Bus, mailbox: Mailbox) -> bool:
    """Whether the mailbox's commands have a consumer."""
    try:
        await bus.js.consumer_info(COMMAND.name, actor(mailbox.id).name)
    except NotFoundError:
        return False
    return True
