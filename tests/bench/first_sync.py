"""The first sync of a large mailbox: `python -m tests.bench.first_sync --mails 200000`.

Dovecot holds the mails already, with its index built, as the server of a mailbox in use has. The whole pipeline runs
until the first mails are in PostgreSQL; from then on a sink takes the mails from the bus, so that the fetcher alone is
measured. Half way it is killed (-9) and started again. Memory is read all along.
"""

import argparse
import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
import psutil

from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Deadlines
from pipeline.contracts.topology import EXTRACTOR, PARSER
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.pull import Subscription
from pipeline.jetstream.statuses import StatusBucket
from tests.bench.setting import Setting, setting
from tests.support.bulk import many_mails
from tests.support.client import bus, dovecot_mailbox, put_mailbox
from tests.support.dovecot import User
from tests.support.fixtures_imap import account_of, quiet

DIFFERENT_MAILS = 500  # the others are links to them
TAKE = 1000
SAMPLE_EVERY_S = 2.0
NO_PROGRESS_S = 120.0
T = TypeVar("T")


@dataclass
class Sync:
    """What is running, and what was seen so far. `memory` has (mails, megabytes) pairs."""

    at: Setting
    taken: set[str] = field(default_factory=set)
    repeats: int = 0
    memory: list[tuple[int, float]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def fill(user: User, mails: int) -> None:
    """Some different mails, and links to them; 200,000 files of their own would only measure the disk."""
    user.deliver(*many_mails(min(mails, DIFFERENT_MAILS)), flags="")
    folder = user.maildir / "cur"
    originals = sorted(path for path in folder.iterdir())
    for number in range(len(originals), mails):
        os.link(originals[number % len(originals)], folder / f"1800000000.M{number:09}.test:2,")


async def opening(sync: Sync) -> float:
    """Seconds that Dovecot needs to open the folder and to tell its UIDs; the first time it builds its index."""
    began = time.monotonic()
    account = account_of(sync.at.dovecot, sync.at.user, deadlines=Deadlines(quiet_s=600))
    async with await ImapSession.open(account, log=quiet) as session:
        await session.select("INBOX")
        found = await session.search(Criteria())
    assert len(found) == sync.at.mails
    return time.monotonic() - began


async def measured(sync: Sync) -> None:
    """Runs the sync to its end, and prints as it goes."""
    first, second = await opening(sync), await opening(sync)
    print(f"{sync.at.mails:,} mails; Dovecot opened them in {first:.2f} s, with its index built in {second:.2f} s")
    async with bus(sync.at.nats_url) as opened:
        began = time.monotonic()
        mailbox = dovecot_mailbox(sync.at.dovecot, sync.at.user, poll_interval_minutes=60)
        await put_mailbox(opened, mailbox)
        first = await _first_import(sync.at.database_url, began)
        print(f"first mail in PostgreSQL after {first:.2f} s")
        for name in ("extractor", "parser"):
            sync.at.services.running[name].stop()
        watching = asyncio.create_task(_watch(sync, opened, mailbox.id))
        await _already_taken(sync, opened)
        half = sync.at.mails // 2
        first_half = await _drained(sync, opened, half)
        sync.at.services.running["fetcher"].kill()
        killed = time.monotonic()
        sync.at.services.start("fetcher")
        await _drained(sync, opened, len(sync.taken) + 1)
        gap = time.monotonic() - killed
        second_half = await _drained(sync, opened, sync.at.mails)
        watching.cancel()
    print(f"{len(sync.taken):,} mails taken: {first_half:,.0f} mails/s, then {second_half:,.0f} mails/s")
    print(f"in between killed (-9) and started again; the lease kept it waiting, {gap:.0f} s until the next mail")
    print(f"{sync.repeats} mails were published twice")
    print("fetcher's memory:", ", ".join(f"{mails:,}: {mb:.0f} MB" for mails, mb in _some(sync.memory)))
    print("told meanwhile:", *_some(list(dict.fromkeys(sync.told))), sep="\n  ")


async def _first_import(database_url: str, began: float) -> float:
    connection = await asyncpg.connect(database_url)
    while not await connection.fetchval("SELECT count(*) FROM mail"):  # noqa: ASYNC110 it does not tell
        await asyncio.sleep(0.01)
    seconds = time.monotonic() - began
    await connection.close()
    return seconds


async def _already_taken(sync: Sync, opened: Bus) -> None:
    """What the pipeline had before it was stopped: in PostgreSQL, or on the way there."""
    connection = await asyncpg.connect(sync.at.database_url)
    sync.taken.update(row["mail_id"] for row in await connection.fetch("SELECT mail_id FROM mail"))
    await connection.close()
    on_the_way = await opened.subscribe(PARSER)
    while await _took(sync, on_the_way):
        pass
    await on_the_way.close()
    sync.repeats = 0


async def _drained(sync: Sync, opened: Bus, wanted: int) -> float:
    """Takes mails from the bus until so many different ones were seen; gives the mails a second."""
    sink = await opened.subscribe(EXTRACTOR)
    before, began = len(sync.taken), time.monotonic()
    last = began
    while len(sync.taken) < wanted:
        if await _took(sync, sink):
            last = time.monotonic()
        elif time.monotonic() - last > NO_PROGRESS_S:
            raise SystemExit(f"no progress at {len(sync.taken):,} of {wanted:,}")
    await sink.close()
    return (len(sync.taken) - before) / (time.monotonic() - began)


async def _took(sync: Sync, sink: Subscription) -> bool:
    deliveries = await sink.take(TAKE, wait=1.0)
    for delivery in deliveries:
        mail_id = delivery.wire.headers["Nats-Msg-Id"].partition(".")[0]
        sync.repeats += mail_id in sync.taken
        sync.taken.add(mail_id)
        await delivery.ack()
    return bool(deliveries)


async def _watch(sync: Sync, opened: Bus, mailbox_id: str) -> None:
    while True:
        await asyncio.sleep(SAMPLE_EVERY_S)
        child = sync.at.services.running["fetcher"]
        if child.running:
            sync.memory.append((len(sync.taken), psutil.Process(child.pid).memory_full_info().uss / 1e6))
        status = await StatusBucket(opened.js).get(mailbox_id)
        if status is not None and status.progress is not None:
            p = status.progress
            sync.told.append(f"{status.state} {p.done:,} of {p.seen:,}, {p.per_second:,}/s, {p.seconds_left} s left")


def _some(items: list[T]) -> list[T]:
    return items[:: max(len(items) // 8, 1)]


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.first_sync", description=__doc__)
    parser.add_argument("--mails", type=int, default=200_000, help="how many mails (default 200,000)")
    options = parser.parse_args()
    with setting(options.mails, fill=fill) as at:
        asyncio.run(measured(Sync(at)))


if __name__ == "__main__":
    main()
