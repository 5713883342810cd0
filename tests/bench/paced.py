"""Mail that comes at a steady rate: how long from its delivery until its rows can be seen in PostgreSQL.

The database is looked at every `LOOK_EVERY_S`, so the latencies are upper bounds by as much.
"""

import asyncio
import re
import time
from dataclasses import dataclass, field
from statistics import quantiles

import asyncpg

from tests.bench.setting import Setting
from tests.bench.sustained import FOLDER, usage_table
from tests.bench.usage import Usage
from tests.support.bulk import many_mails
from tests.support.client import bus, dovecot_mailbox, put_mailbox

LOOK_EVERY_S = 0.05
GIVE_UP_S = 60.0

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_NEW = "SELECT header_message_id AS id FROM mail WHERE stored_at > now() - interval '2 seconds'"
_ALL = "SELECT header_message_id AS id FROM mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Seconds from delivery to rows; `rate` is the mails a second that were really delivered."""

    mails: int
    rate: float
    p50: float
    p90: float
    p99: float
    slowest: float
    usage: dict[str, Usage]


@dataclass(slots=True)
class _Times:
    delivered: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)

    def latencies(self) -> list[float]:
        return sorted(self.seen[name] - at for name, at in self.delivered.items())


async def paced(at: Setting, mails: int, *, rate: float) -> Latencies:
    """Delivers so many mails, `rate` a second. Start the setting with one mail: it shows that all is connected."""
    times = _Times()
    connection = await asyncpg.connect(at.database_url)
    async with bus(at.nats_url) as opened, asyncio.timeout(mails / rate + GIVE_UP_S):
        action = {"action": "move", "folder": FOLDER}
        await put_mailbox(
            opened,
            dovecot_mailbox(at.dovecot, at.user, poll_interval_minutes=60, on_processed=action, on_failed=action),
        )
        while not times.seen:
            await _look(connection, times, _ALL)
        began = time.monotonic()
        delivering = asyncio.create_task(asyncio.to_thread(_deliver, at, mails, rate, times))
        while not delivering.done() or not times.delivered.keys() <= times.seen.keys():
            await _look(connection, times, _NEW)
        seconds = max(times.delivered.values()) - began
    await connection.close()
    sorted_s = times.latencies()
    cuts = [round(cut, 3) for cut in quantiles(sorted_s, n=100, method="inclusive")]
    return Latencies(
        mails=len(sorted_s),
        rate=round(mails / seconds, 1),
        p50=cuts[49],
        p90=cuts[89],
        p99=cuts[98],
        slowest=round(sorted_s[-1], 3),
        usage=at.watched.usage(),
    )


def _deliver(at: Setting, mails: int, rate: float, times: _Times) -> None:
    began = time.monotonic()
    for number, mail in enumerate(many_mails(mails, seed=2)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        found = _MESSAGE_ID.search(mail)
        assert found is not None
        times.delivered[f"{found[1].decode()}"] = time.monotonic()
        at.user.deliver(mail)


async def _look(connection: "asyncpg.Connection[asyncpg.Record]", times: _Times, query: str) -> None:
    await asyncio.sleep(LOOK_EVERY_S)
    rows = await connection.fetch(query)
    now = time.monotonic()
    for row in rows:
        times.seen.setdefault(row["id"], now)


def as_table(found: Latencies) -> str:
    """The latencies for people."""
    lines = [
        f"{found.mails:,} mails, {found.rate:,} a second; seconds from delivery to rows in PostgreSQL:",
        f"p50 {found.p50}   p90 {found.p90}   p99 {found.p99}   slowest {found.slowest}",
        "",
        *usage_table(found.usage, mails=found.mails),
    ]
    return "\n".join(lines)
