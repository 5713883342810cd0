"""Processor time of each step that a mail takes, without waiting: `python -m tests.bench.stages --mails 3000`

The steps run one after the other in this process, in the batches that the services use, with PostgreSQL beside it. What
the drivers of the broker do is not in it. The best of some rounds, because a busy machine only ever makes it slower.
"""

import argparse
import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from dmarq.embedded import EmbeddedPostgres, temporary_data_dir
from extractor.handler import extracted
from parser.documents import ReadMail, ReadOptions, closing, read_mails
from parser.sources.data import NamingData, NamingFiles
from parser.sources.row_names import RowNames
from parser.storage import outbox
from parser.storage.transaction import AnnouncementOptions, Store
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import MailRef
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.mailbox import Handling
from pipeline.contracts.wire import Envelope, Parcel, Wire, decode, encode
from pipeline.postgres.connection import Database, database
from pipeline.runtime.service import COLLECT_AFTER
from pipeline.telemetry.health import Readiness
from tests.support.bulk import many_mails

BATCH = 100
STEPS = ("extract", "encode", "decode", "read", "store", "relay")


class Clock:
    """Adds up the processor time of steps."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STEPS, 0.0)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measures the block as a part of this step."""
        began = time.process_time()
        yield
        self.seconds[name] += time.process_time() - began


def fetched(mails: int) -> list[Envelope]:
    """As many mails as the fetcher publishes them."""
    now = datetime.now(UTC)
    return [
        Envelope(
            MailFetched(
                mail=MailRef.of(mailbox_id="bench", folder="INBOX", uidvalidity=1, uid=uid),
                handling=Handling(settings_version=1),
                size=len(raw),
                internal_date=now,
                fetched_at=now,
            ),
            (Parcel.of(raw),),
        )
        for uid, raw in enumerate(many_mails(mails), start=1)
    ]


async def one_round(
    envelopes: Sequence[Envelope], postgres: Database, *, reading: ReadOptions, announcing: AnnouncementOptions
) -> dict[str, float]:
    """Seconds of processor time by step."""
    clock = Clock()
    store = Store(postgres, announcing)
    for start in range(0, len(envelopes), BATCH):
        batch = envelopes[start : start + BATCH]
        with clock.step("extract"):
            found = [extracted(envelope, Limits()) for envelope in batch]
        with clock.step("encode"):
            wires = [encode(envelope) for envelope in found]
        with clock.step("decode"):
            received = [decode(wire.headers, wire.payload) for wire in wires]
        with clock.step("read"):
            mails = [mail for mail in read_mails(received, reading) if isinstance(mail, ReadMail)]
            assert len(mails) == len(received)
        with closing(mails), clock.step("store"):
            await store.store(mails, superseded=())
        with clock.step("relay"):
            await _taken(postgres)
    return clock.seconds


async def _taken(postgres: Database) -> list[Wire]:
    async with postgres.transaction() as connection:
        return await outbox.take(connection, 500)


async def best_of(rounds: int, mails: int) -> dict[str, float]:
    """Microseconds a mail, by step."""
    envelopes = fetched(mails)
    best = dict.fromkeys(STEPS, float("inf"))
    reading = ReadOptions()  # one for all, as in the parser: its readers learn
    announcing = AnnouncementOptions(names=RowNames(NamingData(NamingFiles())))
    with temporary_data_dir() as data, EmbeddedPostgres(data) as server:
        for _ in range(rounds):
            opened = database(server.url, size=1, name="bench", stopping=asyncio.Event(), readiness=Readiness())
            async with opened as postgres:
                assert postgres is not None
                async with postgres.connection() as connection:
                    await connection.execute("TRUNCATE mail, report, record, outbox, document CASCADE")
                seconds = await one_round(envelopes, postgres, reading=reading, announcing=announcing)
            best = {step: min(best[step], 1e6 * seconds[step] / mails) for step in STEPS}
    return best


def main() -> None:
    """Prints microseconds a mail."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.stages", description=main.__doc__)
    options.add_argument("--mails", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    micros = asyncio.run(best_of(given.rounds, given.mails))
    for step, value in micros.items():
        print(f"{step:<8}{value:>8.0f} µs a mail")
    print(f"{'all':<8}{sum(micros.values()):>8.0f} µs a mail")


if __name__ == "__main__":
    main()
