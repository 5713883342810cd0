"""One huge report through extractor and parser, small mails meanwhile: `python -m tests.bench.huge --records 1000000`

The mail goes onto the bus as the fetcher publishes it. Every so often a small mail follows; its latency is the time
until its row is committed. Redeliveries are those of the broker: there are some when heartbeats come late.
"""

import argparse
import asyncio
import gzip
import random
import statistics
import tempfile
import time
from base64 import encodebytes
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from dmarq.embedded import EmbeddedNats, EmbeddedPostgres, temporary_data_dir
from pipeline.contracts.mail import MailRef
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.mailbox import Handling
from pipeline.contracts.topology import EXTRACTOR, PARSER, Consumer
from pipeline.contracts.wire import Envelope, Parcel
from pipeline.jetstream.bus import Bus
from tests.bench.readers import RECORD
from tests.bench.usage import Watched
from tests.support.bulk import as_mail, many_mails
from tests.support.client import bus
from tests.support.reports import METADATA, POLICY
from tests.support.services import services

ADDRESSES, RUN = 4096, 3  # many rows of a huge report are alike, some in a row: that is why it is small as gzip
SMALL_EVERY_S = 0.5
BEFORE = 20  # small mails on their own
POLL_S = 0.01
GIVE_UP_S = 900.0
HUGE_UID = 1_000_000


def huge_mail(records: int) -> tuple[bytes, int, int]:
    """A mail with the report as a gzip attachment; bytes of its XML and of its gzip."""
    chance = random.Random(1)
    size, packed = 0, bytearray()
    with tempfile.TemporaryFile() as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9, mtime=0) as zipped:
            for piece in pieces(records, chance):
                size += zipped.write(piece)
        file.seek(0)
        packed += file.read()
    small = as_mail(b"", HUGE_UID)
    head, _, tail = small.partition(encodebytes(gzip.compress(b"", 6, mtime=0)).replace(b"\n", b"\r\n"))
    return head + encodebytes(bytes(packed)).replace(b"\n", b"\r\n") + tail, size, len(packed)


def pieces(records: int, chance: random.Random) -> Iterator[bytes]:
    """The XML, a few records at a time."""
    yield f"<feedback>{METADATA}{POLICY}".encode()
    kinds = [record(chance) for _ in range(ADDRESSES)]
    for start in range(0, records, RUN):
        yield (chance.choice(kinds) * min(RUN, records - start)).encode()
    yield b"</feedback>"


def record(chance: random.Random) -> str:
    """One row."""
    domain = f"d{chance.randrange(40)}.example.com"
    return RECORD.format(
        ip=f"192.0.{chance.randrange(256)}.{chance.randrange(256)}",
        count=chance.randrange(1, 50),
        disposition=chance.choice(("none", "reject")),
        dkim=chance.choice(("pass", "fail")),
        spf=chance.choice(("pass", "fail")),
        domain=domain,
        selector=f"s{chance.randrange(10)}",
        bounce=domain,
    )


def fetched(uid: int, raw: bytes) -> Envelope:
    """A mail as the fetcher publishes it."""
    now = datetime.now(UTC)
    mail = MailRef.of(mailbox_id="bench", folder="INBOX", uidvalidity=1, uid=uid)
    handling = Handling(settings_version=1)
    event = MailFetched(mail=mail, handling=handling, size=len(raw), internal_date=now, fetched_at=now)
    return Envelope(event, (Parcel.of(raw),))


class Small:
    """Small mails, one after the other; `latencies` in seconds."""

    def __init__(self, opened: Bus, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._bus = opened
        self._connection = connection
        self._mails = enumerate(many_mails(100_000), start=1)
        self.latencies: list[float] = []

    async def send(self) -> None:
        """Sends one and waits until it is stored."""
        uid, raw = next(self._mails)
        began = time.perf_counter()
        await self._bus.publish([fetched(uid, raw)])
        await stored(self._connection, uid)
        self.latencies.append(time.perf_counter() - began)

    async def send_until(self, done: "asyncio.Future[float]") -> None:
        """Goes on until it is done."""
        while not done.done():
            await self.send()
            await asyncio.sleep(SMALL_EVERY_S)

    def told(self, name: str) -> str:
        """The latencies so far, and forgets them."""
        ms = sorted(1000 * seconds for seconds in self.latencies)
        self.latencies = []
        return f"{len(ms)} small mails {name}: median {statistics.median(ms):.0f} ms, worst {ms[-1]:.0f} ms"


async def stored(connection: "asyncpg.Connection[asyncpg.Record]", uid: int) -> float:
    """Returns when the mail is in the ledger, with the time."""
    until = time.perf_counter() + GIVE_UP_S
    while (outcome := await connection.fetchval("SELECT outcome FROM mail WHERE uid = $1", uid)) is None:
        if time.perf_counter() > until:
            raise SystemExit(f"mail {uid} was not stored in time")
        await asyncio.sleep(POLL_S)
    if uid == HUGE_UID and outcome != "imported":
        raise SystemExit(f"the huge report: {outcome}")
    return time.perf_counter()


async def measured(nats_url: str, database_url: str, watched: Watched, records: int) -> None:
    """Sends, waits and prints."""
    raw, xml_bytes, gzip_bytes = huge_mail(records)
    print(f"{records:,} records: {xml_bytes / 1e6:,.0f} MB of XML in {gzip_bytes / 1e6:.1f} MB of gzip", flush=True)
    connection, other = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    async with bus(nats_url) as opened:
        small = Small(opened, connection)
        for _ in range(BEFORE):
            await small.send()
        print(small.told("alone"), flush=True)
        before = watched.usage()
        began = time.perf_counter()
        await opened.publish([fetched(HUGE_UID, raw)])
        done = asyncio.ensure_future(stored(other, HUGE_UID))
        await small.send_until(done)
        seconds = done.result() - began
        print(small.told("meanwhile"))
        print(f"stored in {seconds:.1f} s: {records / seconds:,.0f} rows/s")
        for name, used in watched.usage().items():
            cpu = used.cpu_seconds - before[name].cpu_seconds
            rate = f"{records / cpu:>10,.0f} rows/s a core" if cpu else ""
            peak = used.peak_megabytes
            print(f"  {name:<10} {cpu:>6.1f} s of processor {rate}, {peak:.0f} MB at most")
        print("redelivered:", {c.name: await redelivered(opened, c) for c in (EXTRACTOR, PARSER)})
    print("rows in the database:", await other.fetchval(HUGE_ROWS, HUGE_UID))
    await connection.close()
    await other.close()


HUGE_ROWS = """
SELECT count(*) FROM record WHERE report IN (SELECT document.id FROM document JOIN mail USING (mail_id) WHERE uid = $1)
"""


async def redelivered(opened: Bus, consumer: Consumer) -> int:
    """How many events the broker is waiting for a second time or more."""
    return int((await opened.js.consumer_info(consumer.stream, consumer.name)).num_redelivered or 0)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.huge", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    records = parser.parse_args().records
    with (
        temporary_data_dir() as data,
        EmbeddedNats(data) as nats,
        EmbeddedPostgres(data) as postgres,
        tempfile.TemporaryDirectory(prefix="dmarq-bench-") as logs,
        services("parser", "extractor", nats_url=nats.url, database_url=postgres.url, logs=Path(logs)) as started,
        Watched() as watched,
    ):
        for name, child in (*started.running.items(), ("postgres", postgres.child), ("nats", nats.child)):
            if child is not None:
                watched.add(name, child.pid)
        asyncio.run(measured(nats.url, postgres.url, watched, records))


if __name__ == "__main__":
    main()
