"""What the fetchers tell of their mailboxes, joined to the mailboxes; whoever asks is answered without it as well."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from config_api.backend import Backend
from config_api.mailboxes.model import LiveState, MailboxView
from pipeline.contracts.status import MailboxStatus, State, overdue
from pipeline.errors import TryLater
from pipeline.jetstream.statuses import StatusBucket

T = TypeVar("T")

TIMEOUT = 2.0  # seconds; the mailboxes themselves are worth more than what goes on in them

log = structlog.get_logger(__name__)


async def all_live(backend: Backend, views: Iterable[MailboxView]) -> list[MailboxView]:
    """The mailboxes with what their fetchers tell; as they are while the bus is away.

    One whose last look went well is not well yet when its server refuses what is to be done with mails.
    """
    told = await _read(backend, StatusBucket.all) or {}
    return [_joined(view, told.get(view.id)) for view in views]


async def one_live(backend: Backend, view: MailboxView) -> MailboxView:
    """The same for one mailbox."""
    return _joined(view, await _read(backend, lambda bucket: bucket.get(view.id)))


async def _read(backend: Backend, ask: Callable[[StatusBucket], Awaitable[T]]) -> T | None:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await ask(StatusBucket(backend.bus.js))
    except (TryLater, TimeoutError) as error:
        log.info("statuses_not_read", detail=str(error)[:200])
        return None


def _joined(view: MailboxView, status: MailboxStatus | None) -> MailboxView:
    if status is None:
        return view
    live = _live_state(status, view)
    word = "error" if view.state.word == "ok" and live.category != "ok" else view.state.word
    return view.model_copy(update={"state": view.state.model_copy(update={"live": live, "word": word})})


def _live_state(status: MailboxStatus, view: MailboxView) -> LiveState:
    """A paused mailbox is neither due nor overdue, whatever was told last."""
    late = overdue(status, interval_s=view.poll_interval_minutes * 60, now=datetime.now(UTC))
    read = status.model_dump() | {"word": status.state, "overdue": late}
    if view.state.word == "paused":
        read |= {"word": State.PAUSED, "next_poll_at": None, "overdue": False, "progress": None}
    return LiveState.model_validate(read)
