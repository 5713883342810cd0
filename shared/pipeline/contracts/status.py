"""How a mailbox is doing right now, as the fetcher that holds it tells; pure.

An entry is as old as its last change: whoever reads it asks `overdue` and `seconds_left` with the time of reading.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

GRACE = timedelta(minutes=2)


class State(StrEnum):
    """What the fetcher does with a mailbox. `paused` is never told by a fetcher: readers know it from `enabled`."""

    WAITING = "waiting"  # nobody works for it: its fetcher has stopped, or another one is about to take it
    CONNECTING = "connecting"
    POLLING = "polling"
    IDLE = "idle"  # all is read; the server announces new mail
    SLEEPING = "sleeping"  # all is read; the next poll is at `next_poll_at`
    BACKING_OFF = "backing_off"
    PAUSED = "paused"


class Progress(BaseModel):
    """How far the run in hand is: `seen` new mails were found, `done` of them are published or passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    started_at: datetime
    at: datetime
    seen: int
    done: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def per_second(self) -> float:
        """Mails a second since the run began."""
        elapsed = (self.at - self.started_at).total_seconds()
        return round(self.done / elapsed, 1) if elapsed > 0 else 0.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def seconds_left(self) -> float | None:
        """Until the run is done at this rate; None while no rate is known."""
        return round((self.seen - self.done) / self.per_second) if self.per_second else None


class MailboxStatus(BaseModel):
    """`since`: when this state began. `behind`: mails that are known to wait in the mailbox.

    `category` and `detail` say why, for the last poll that failed; after a good one they are "ok" and "".
    `failed_actions`: mails that could not be marked, moved or deleted, and that nobody has retried since.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    mailbox_id: str
    state: State
    since: datetime
    held_since: datetime | None = None
    holder: str = ""
    category: str = "ok"
    detail: str = ""
    last_poll_at: datetime | None = None
    last_success_at: datetime | None = None
    next_poll_at: datetime | None = None
    behind: int = 0
    failed_actions: int = 0
    progress: Progress | None = None


def overdue(status: MailboxStatus, *, interval_s: float, now: datetime) -> bool:
    """Whether a good poll should have ended long ago: after two intervals and two minutes.

    A run that makes progress is not overdue, however long it takes.
    """
    if status.progress is not None and now - status.progress.at < GRACE:
        return False
    counted_from = status.last_success_at or status.held_since or status.since
    return now - counted_from > timedelta(seconds=2 * interval_s) + GRACE
