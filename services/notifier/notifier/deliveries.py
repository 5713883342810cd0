"""The state machine of what must reach a channel, in PostgreSQL: waiting, sending under a lease, sent or dead.

    waiting ──claim──▶ sending ──▶ sent
       ▲                 │ │
       └── not yet ──────┘ └──▶ dead, after a day of failures; a person can retry it

A sending is claimed in one transaction, sent, and settled in another. Who dies in between leaves a lease that ends, and
then the same sending is claimed again, under the same key: the receiver knows it for a repeat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier import store
from notifier.delivery import Channel, Outcome, Sending, after
from notifier.store import SQL
from pipeline.notifications.channels import ChannelKind
from pipeline.postgres.connection import Connection, Database, Record

LEASE = timedelta(seconds=120)  # more than the longest sending takes
HOUR = timedelta(hours=1)
TOGETHER = 50  # alerts in one message
PEOPLE = frozenset({"alert", "resolved"})


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, how much is dead, and for how long the oldest has been due."""

    waiting: int
    dead: int
    overdue_seconds: float


async def backlog(database: Database, now: datetime) -> Backlog:
    """At this moment. Raises TryLater."""
    async with database.connection() as connection:
        (row,) = await connection.fetch(SQL["backlog"], now)
    return Backlog(**dict(row))


async def claim(database: Database, now: datetime, *, lease: timedelta = LEASE) -> Sending | None:
    """The next sending that is due, and that its channel's limit allows; None when there is none. Raises TryLater."""
    async with database.connection() as connection:
        due = [row["id"] for row in await connection.fetch(SQL["due_channels"], now)]
    for channel_id in due:
        async with database.transaction() as connection:
            if await connection.fetchval(SQL["lock_channel"], channel_id):
                found = await _claim(connection, channel_id, now, lease)
                if found is not None:
                    return found
    return None


async def settle(database: Database, sending: Sending, outcome: Outcome, now: datetime) -> bool:
    """Writes down how it ended; False when the lease had ended and somebody else took it. Raises TryLater."""
    state, due = after(sending, outcome, now)
    async with database.connection() as connection:
        settled = await connection.fetch(
            SQL["settle"], list(sending.ids), sending.lease_until, state, _shown(outcome.detail), now, due
        )
    return len(settled) == len(sending.ids)


def _shown(detail: str) -> str:
    """What another side said, on one bounded line that the database takes: it may say anything."""
    return "".join(c if c.isprintable() else " " for c in detail[:500])


async def _claim(connection: Connection, channel_id: str, now: datetime, lease: timedelta) -> Sending | None:
    channel = await store.channel(connection, channel_id)
    if channel is None or not channel.settings.enabled:
        return None
    if await connection.fetchval(SQL["attempts"], channel_id, now - HOUR) >= channel.settings.max_per_hour:
        return None
    due = await connection.fetch(SQL["due_deliveries"], channel_id, now, TOGETHER)
    if not due:
        return None
    batch = due[0]["batch"] or due[0]["id"]
    ids = await _together(connection, channel, due)
    rows = await connection.fetch(SQL["lease"], ids, now + lease, batch, now)
    await connection.execute(SQL["insert_attempt"], channel_id, now)
    return _sending(channel, sorted(rows, key=lambda row: int(row["id"])))


async def _together(connection: Connection, channel: Channel, due: Sequence[Record]) -> list[int]:
    """What goes with the first: what went with it before; alerts for people go together; anything else goes alone."""
    first = due[0]
    if first["batch"] is not None:
        return [row["id"] for row in await connection.fetch(SQL["batch_ids"], first["batch"])]
    if first["kind"] not in PEOPLE or channel.settings.kind is ChannelKind.WEBHOOK:
        return [first["id"]]
    return [row["id"] for row in due if row["batch"] is None and row["kind"] in PEOPLE]


def _sending(channel: Channel, rows: Sequence[Record]) -> Sending:
    first = rows[0]
    return Sending(
        channel=channel,
        ids=tuple(row["id"] for row in rows),
        key=f"{channel.id}.{first['key']}",
        payloads=tuple((row["kind"], row["key"], row["payload"]) for row in rows),
        attempts=first["attempts"],
        first_at=min(row["first_at"] for row in rows),
        created_at=min(row["created_at"] for row in rows),
        lease_until=first["lease_until"],
    )
