"""A delivery to a channel: what is sent, how it ended, and what follows from that; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.notifications.channels import ChannelSettings

GIVE_UP_AFTER = timedelta(days=1)
FIRST_DELAY, LONGEST_DELAY = 30.0, 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it is kept. `secret` is sealed."""

    id: str
    settings: ChannelSettings
    secret: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sending:
    """What is sent to a channel at once, as one message; `key` is the same with each repeat.

    `payloads` are (kind, key, payload) of the deliveries in it.
    """

    channel: Channel
    ids: tuple[int, ...]
    key: str
    payloads: tuple[tuple[str, str, Mapping[str, Any]], ...]
    attempts: int
    first_at: datetime
    created_at: datetime
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sending ended. `permanent`: no retry can help. `retry_after` in seconds, where the other side says so."""

    sent: bool
    detail: str
    permanent: bool = False
    retry_after: float | None = None


def after(sending: Sending, outcome: Outcome, now: datetime) -> tuple[str, datetime | None]:
    """The state after an attempt, and when it is due again; pure."""
    if outcome.sent:
        return "sent", None
    if outcome.permanent or now - sending.first_at >= GIVE_UP_AFTER:
        return "dead", None
    delay = min(FIRST_DELAY * 2 ** min(sending.attempts - 1, 20), LONGEST_DELAY)
    asked = min(outcome.retry_after or 0.0, LONGEST_DELAY)
    return "waiting", now + timedelta(seconds=max(delay, asked))
