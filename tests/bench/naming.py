"""What naming, adding up and judging sources costs: `python -m tests.bench.naming --mails 10000 --turns 3`

The parser's store takes real mails with its chores beside it, as the service does; then the same with nothing of
sources: rows are announced without names, their sources are not noted, and no chore looks at them. In turns, each on a
database of its own, by processor time of this process and of PostgreSQL. Half of the mails come first and are not
counted, so that their sources are known; what a round of all domains costs, which comes once a minute, is told apart.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from itertools import islice

import asyncpg

from dmarq.embedded import EmbeddedPostgres, temporary_data_dir
from extractor.handler import extracted
from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.sources.chores import keep_sources
from parser.sources.data import NamingData, NamingFiles
from parser.sources.row_names import RowNames
from parser.storage.transaction import AnnouncementOptions, Store
from parser.upkeep import fold, keep_overview
from pipeline.contracts.limits import Limits
from pipeline.contracts.wire import Envelope
from pipeline.postgres.connection import Database, database
from pipeline.telemetry.health import Readiness
from pipeline.telemetry.logs import configure_logs
from tests.bench.huge import fetched
from tests.bench.usage import Watched
from tests.support.bulk import many_mails
from tests.support.sending import settle

BATCH = 100
NOTHING_NOTED = """
CREATE OR REPLACE FUNCTION add_to_sources(reports bigint[]) RETURNS void LANGUAGE sql AS 'SELECT'
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of processor time a mail."""

    parser: float
    postgres: float

    @property
    def both(self) -> float:
        """Of parser and PostgreSQL together."""
        return self.parser + self.postgres


def turn(mails: int, *, named: bool) -> Cost:
    """Stores so many mails in a new database, with naming or without."""
    raws = islice(many_mails(mails), mails)
    envelopes = [extracted(fetched(uid, raw), Limits()) for uid, raw in enumerate(raws, start=1)]
    with temporary_data_dir() as data, EmbeddedPostgres(data, durable=False) as server, Watched() as watched:
        return asyncio.run(_stored(server, watched, envelopes, named=named))


async def _stored(server: EmbeddedPostgres, watched: Watched, envelopes: list[Envelope], *, named: bool) -> Cost:
    opened = database(server.url, size=4, name="bench", stopping=asyncio.Event(), readiness=Readiness())
    async with opened as pool:
        assert pool is not None
        if not named:
            connection = await asyncpg.connect(server.url)
            await connection.execute(NOTHING_NOTED)
            await connection.close()
        data = NamingData(NamingFiles())
        warm, envelopes = envelopes[: len(envelopes) // 2], envelopes[len(envelopes) // 2 :]
        await _take(pool, data, warm, named=named)
        if named:
            await settle(pool, data)
        watched.add("postgres", server.child.pid if server.child else 0)
        cpu, before = time.process_time(), watched.usage()["postgres"].cpu_seconds
        await _take(pool, data, envelopes, named=named)
        cpu, stored = time.process_time() - cpu, watched.usage()["postgres"].cpu_seconds - before
        cost = Cost(1000 * cpu / len(envelopes), 1000 * stored / len(envelopes))
        if named:
            before = watched.usage()["postgres"].cpu_seconds
            again = time.process_time()
            await settle(pool, data)
            spent = time.process_time() - again + watched.usage()["postgres"].cpu_seconds - before
            print(f"  all domains added up and judged again, once a minute at most: {spent:.2f} s of processor time")
    return cost


async def _take(pool: Database, data: NamingData, envelopes: list[Envelope], *, named: bool) -> None:
    stopping = asyncio.Event()
    options = AnnouncementOptions(names=RowNames(data) if named else None)
    handler = ParserHandler(pool, Store(pool, options), options=ReadOptions(), committed=lambda: None)
    async with asyncio.TaskGroup() as group:
        group.create_task(keep_overview(pool, stopping))
        if named:
            group.create_task(keep_sources(pool, data, stopping))
        for start in range(0, len(envelopes), BATCH):
            await handler(envelopes[start : start + BATCH])
        stopping.set()
    await fold(pool, asyncio.Event())


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.naming", description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=3)
    wanted = parser.parse_args()
    configure_logs(service="bench", level="warning")
    print(f"{wanted.mails:,} mails; ms of processor time a mail: parser, PostgreSQL, both")
    for number in range(1, wanted.turns + 1):
        without, with_names = (turn(wanted.mails, named=named) for named in (False, True))
        for name, cost in (("without", without), ("with", with_names)):
            print(f"  turn {number} {name:<8}{cost.parser:8.3f}{cost.postgres:8.3f}{cost.both:8.3f}")
        print(f"  naming costs {100 * (with_names.both / without.both - 1):.1f} %", flush=True)


if __name__ == "__main__":
    main()
