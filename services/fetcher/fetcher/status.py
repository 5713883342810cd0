"""How one mailbox is doing, as its work goes on: the status that is told, and its metrics."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from fetcher.imap.grammar.faults import ImapFault
from fetcher.reading.fetch_run import Run
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.status import MailboxStatus, Progress, State, overdue
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.statuses import StatusBucket
from pipeline.runtime.retry import pause
from pipeline.telemetry.health import Readiness
from pipeline.telemetry.metrics import (
    MAILBOX_BACKLOG,
    MAILBOX_LAST_SUCCESS,
    MAILBOX_NEXT_POLL,
    MAILBOX_NO_ROOM,
    MAILBOX_OVERDUE,
    MAILBOX_STATE,
)

log = structlog.get_logger(__name__)

MAX_DETAIL = 500  # characters
TELL_EVERY = 1.0  # seconds
NAMED = 10  # overdue mailboxes
INTERNAL_ERROR = "internal_error"


class StatusTracker:
    """The status of a mailbox that is held. `changed` is called after each change of it."""

    def __init__(
        self, mailbox: Mailbox, known: MailboxStatus | None, *, holder: str, changed: Callable[[], None]
    ) -> None:
        now = datetime.now(UTC)
        started = {"state": State.CONNECTING, "since": now, "held_since": now, "holder": holder, "progress": None}
        self._mailbox = mailbox
        self._changed = changed
        self._behind: dict[str, int] = {}
        self._complaint: ImapFault | None = None  # about reading
        self._refused: ImapFault | None = None  # about acting
        self._told_why: dict[str, object] = {}
        self.status = (known or MailboxStatus(mailbox_id=mailbox.id, state=State.CONNECTING, since=now)).model_copy(
            update=started
        )
        self._enter(State.CONNECTING)

    def connecting(self) -> None:
        """A connection is being made."""
        self._enter(State.CONNECTING, next_poll_at=None)

    def polling(self) -> None:
        """A look into the folders begins."""
        self._enter(State.POLLING, last_poll_at=datetime.now(UTC), next_poll_at=None)

    def progressed(self, run: Run) -> None:
        """The run has found or dealt with emails."""
        now = datetime.now(UTC)
        self._behind[run.folder] = max(run.seen - run.done, 0)
        progress = Progress(started_at=run.started_at, at=now, seen=run.seen, done=run.done) if run.seen else None
        self._set(progress=progress, behind=sum(self._behind.values()))

    def polled(self, complaint: ImapFault | None = None) -> None:
        """Every folder was looked into, to its end, but for the one that `complaint` is about."""
        now = datetime.now(UTC)
        MAILBOX_LAST_SUCCESS.labels(self._mailbox.id).set(now.timestamp())
        self._behind.clear()
        self._complaint = complaint
        self._told_why = self._why()
        self._set(last_success_at=now, behind=0, progress=None, **self._told_why)

    def acting(self, refused: ImapFault | None) -> None:
        """What the server refuses to do with emails, if anything: a mailbox that does not do it is not well."""
        self._refused = refused
        if self.status.state is not State.BACKING_OFF and (why := self._why()) != self._told_why:
            self._told_why = why
            self._set(**why)

    def resting(self, seconds: float, *, idle: bool) -> None:
        """The next look is due in so many seconds; in `idle` the server announces mail before."""
        self._enter(State.IDLE if idle else State.SLEEPING, next_poll_at=_in(seconds))

    def backing_off(self, fault: ImapFault, seconds: float) -> None:
        """It did not work; the next try is due in so many seconds."""
        why = {"category": fault.category.value, "detail": fault.detail[:MAX_DETAIL], "progress": None}
        self._enter(State.BACKING_OFF, next_poll_at=_in(seconds), **why)

    def failed(self, detail: str) -> None:
        """An error of ours ended the work."""
        self._set(category=INTERNAL_ERROR, detail=detail[:MAX_DETAIL], progress=None)

    def ended(self) -> None:
        """The mailbox is no longer held here."""
        self._enter(State.WAITING, next_poll_at=None, progress=None, holder="", held_since=None)
        MAILBOX_STATE.remove(self._mailbox.id, State.WAITING)
        for gauge in (MAILBOX_BACKLOG, MAILBOX_LAST_SUCCESS, MAILBOX_NEXT_POLL, MAILBOX_NO_ROOM, MAILBOX_OVERDUE):
            gauge.remove(self._mailbox.id)

    def overdue(self) -> bool:
        """Whether a good poll should have ended long ago."""
        interval_s = self._mailbox.settings.poll_interval_minutes * 60
        late = overdue(self.status, interval_s=interval_s, now=datetime.now(UTC))
        MAILBOX_OVERDUE.labels(self._mailbox.id).set(1 if late else 0)
        return late

    def failed_actions(self, change: int) -> None:
        """So many more emails, or fewer, could not be marked, moved or deleted."""
        self._set(failed_actions=max(self.status.failed_actions + change, 0))

    def _why(self) -> dict[str, object]:
        fault = self._complaint or self._refused
        if fault is None and self.status.failed_actions:
            detail = f"{self.status.failed_actions} emails could not be marked, moved or deleted: see why, and retry"
            return {"category": Category.PERMISSIONS.value, "detail": detail}
        category, detail = (fault.category.value, fault.detail) if fault else (Category.OK.value, "")
        return {"category": category, "detail": detail[:MAX_DETAIL]}

    def _enter(self, state: State, **changes: object) -> None:
        if state is not self.status.state:
            MAILBOX_STATE.remove(self._mailbox.id, self.status.state)
            changes["since"] = datetime.now(UTC)
        MAILBOX_STATE.labels(self._mailbox.id, state).set(1)
        self._set(state=state, **changes)

    def _set(self, **changes: object) -> None:
        self.status = self.status.model_copy(update=changes)
        MAILBOX_BACKLOG.labels(self._mailbox.id).set(self.status.behind)
        if self.status.next_poll_at is not None:
            MAILBOX_NEXT_POLL.labels(self._mailbox.id).set(self.status.next_poll_at.timestamp())
        self._changed()


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


class StatusBoard:
    """The statuses of the mailboxes that this fetcher holds."""

    def __init__(self, bus: Bus, readiness: Readiness, *, holder: str) -> None:
        self._bucket = StatusBucket(bus.js)
        self._readiness = readiness
        self._holder = holder
        self._trackers: dict[str, StatusTracker] = {}
        self._untold: dict[str, StatusTracker] = {}

    async def take(self, mailbox: Mailbox) -> StatusTracker:
        """A mailbox is held from now on. What was known of it goes on. Raises TryLater while the broker is away."""
        known = await self._bucket.get(mailbox.id)
        tracker = StatusTracker(mailbox, known, holder=self._holder, changed=partial(self._note, mailbox.id))
        self._trackers[mailbox.id] = tracker
        self._note(mailbox.id)
        return tracker

    def fail(self, mailbox: Mailbox, detail: str) -> None:
        """The work for a mailbox that is held ended in an error of ours."""
        tracker = self._trackers.get(mailbox.id)
        if tracker is not None:
            tracker.failed(detail)

    def give_back(self, mailbox: Mailbox) -> None:
        """The mailbox is no longer held here; harmless when it was not."""
        tracker = self._trackers.get(mailbox.id)
        if tracker is not None:
            tracker.ended()
            del self._trackers[mailbox.id]

    def forget(self, mailbox_id: str) -> None:
        """The mailbox is deleted: what was not told of it yet never will be."""
        self._untold.pop(mailbox_id, None)

    async def run(self, stopping: asyncio.Event) -> None:
        """Tells until told to stop, then what is left."""
        while not stopping.is_set():
            await self._tell()
            self._complain()
            await pause(stopping, TELL_EVERY)
        await self._tell()

    def _note(self, mailbox_id: str) -> None:
        tracker = self._trackers.get(mailbox_id)
        if tracker is not None:
            self._untold[mailbox_id] = tracker

    async def _tell(self) -> None:
        for mailbox_id in list(self._untold):
            tracker = self._untold.pop(mailbox_id, None)
            if tracker is None:  # forgotten meanwhile
                continue
            try:
                await self._bucket.put(tracker.status)
            except TryLater as error:
                log.info("status_not_told", mailbox_id=mailbox_id, detail=error.detail[:200])
                self._untold.setdefault(mailbox_id, tracker)
                return

    def _complain(self) -> None:
        late = sorted(mailbox_id for mailbox_id, tracker in self._trackers.items() if tracker.overdue())
        more = f" and {len(late) - NAMED} more" if len(late) > NAMED else ""
        self._readiness.complain("mailboxes", f"overdue: {', '.join(late[:NAMED])}{more}" if late else "")
