"""How cost grows with what is stored: `python -m tests.bench.growth --reports 1000 10000 100000 1000000`

At each size: how long pages take, how many mails a second the parser stores and what that costs, and bytes a record.
Pages are asked of the application itself, database included: the first time, and the best of some more, because a busy
machine only ever makes it slower. PostgreSQL runs with its own defaults.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import asyncpg
import psutil
from flask.testing import FlaskClient

from dmarq.embedded import EmbeddedNats, EmbeddedPostgres, temporary_data_dir
from extractor.handler import extracted
from parser.chore import TIMEOUT, long_transaction
from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.sources.data import NamingData, NamingFiles
from parser.storage.transaction import AnnouncementOptions, Store
from parser.upkeep import fold
from pipeline.contracts.limits import Limits
from pipeline.postgres.connection import database
from pipeline.telemetry.health import Readiness
from pipeline.telemetry.logs import configure_logs
from tests.bench.filling import FIRST, SUMS, fill
from tests.bench.huge import fetched
from tests.bench.usage import Watched
from tests.support.bulk import many_mails
from tests.support.config_api import api_settings, running_api
from tests.support.sending import settle
from tests.support.services import ADMIN_TOKEN

TRIES, TIMEOUT_MS = 5, 3000
MAILS, BATCH = 2000, 100  # stored at each size
PAGES = {
    "overview, page": "/",
    "overview, 30 days": "/api/v1/summary",
    "overview, 90 days, page": "/?days=90",
    "overview, a year, page": "/?days=365",
    "overview, a year": "/api/v1/summary?since={year}",
    "overview, one domain": "/api/v1/summary?domain=d0.example.com",
    "reports": "/reports",
    "reports by messages": "/api/v1/reports?sort=-messages",
    "reports by storing": "/api/v1/reports?sort=stored_at",
    "reports of a domain": "/api/v1/reports?domain=d7.example.com",
    "search, found": "/api/v1/reports?q=reporter-3",
    "search, one found": "/api/v1/reports?q={report_id}",
    "search, none found": "/api/v1/reports?q=nothing-like-it",
    "one report": "/reports/{number}",
    "mails": "/mails",
    "sources": "/api/v1/sources",
    "sources, said to be ours": "/api/v1/sources?standing=ours",
    "sources, none found": "/api/v1/sources?q=nothing-like-it",
    "services": "/api/v1/services",
    "readiness": "/api/v1/domains/d0.example.com/readiness",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """What storing some mails cost: milliseconds of processor time a mail; `folding` is in PostgreSQL's, later."""

    mails_per_second: float
    parser_ms: float
    postgres_ms: float
    folding_ms: float
    parser_megabytes: float


@contextmanager
def visitor(nats_url: str, database_url: str) -> Iterator[FlaskClient]:
    """A client of the application that may see everything."""
    with running_api(api_settings(nats_url=nats_url, database_url=database_url)) as api:
        browser = api.browser()
        form = browser.get("/sign-in").text
        token = form.partition('name="csrf_token" value="')[2].partition('"')[0]
        browser.post("/sign-in", data={"secret": ADMIN_TOKEN, "csrf_token": token})
        yield browser


def pages(browser: FlaskClient, words: dict[str, object]) -> None:
    """Prints how long each page takes at first, and the best of the next tries."""
    print(f"  {'':<24}{'first':>10}{'then':>10}  ms")
    for name, path in PAGES.items():
        first = milliseconds(browser, path.format(**words))
        tries = TRIES if first < TIMEOUT_MS else 1
        then = min(milliseconds(browser, path.format(**words)) for _ in range(tries))
        print(f"  {name:<24}{first:>10,.1f}{then:>10,.1f}", flush=True)


def milliseconds(browser: FlaskClient, path: str) -> float:
    """Until the page was there; infinity where it never came."""
    began = time.perf_counter()
    status = browser.get(path).status_code
    return 1000 * (time.perf_counter() - began) if status == 200 else float("inf")


async def storing(database_url: str, postgres_pid: int, *, round_number: int) -> Storing:
    """The parser takes mails, each with a report of its own, in batches as the service does."""
    first = round_number * MAILS
    raws = islice(many_mails(first + MAILS), first, None)
    envelopes = [extracted(fetched(uid, raw), Limits()) for uid, raw in enumerate(raws, start=first + 1)]
    opened = database(database_url, size=2, name="bench", stopping=asyncio.Event(), readiness=Readiness())
    with Watched() as watched:
        watched.add("postgres", postgres_pid)
        async with opened as pool:
            assert pool is not None
            handler = ParserHandler(
                pool, Store(pool, AnnouncementOptions()), options=ReadOptions(), committed=lambda: None
            )
            began, cpu = time.perf_counter(), time.process_time()
            for start in range(0, MAILS, BATCH):
                await handler(envelopes[start : start + BATCH])
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            stored = watched.usage()["postgres"].cpu_seconds
            await fold(pool, asyncio.Event())
            folded = watched.usage()["postgres"].cpu_seconds - stored
    return Storing(
        mails_per_second=MAILS / seconds,
        parser_ms=1000 * cpu / MAILS,
        postgres_ms=1000 * stored / MAILS,
        folding_ms=1000 * folded / MAILS,
        parser_megabytes=psutil.Process().memory_full_info().uss / 1e6,
    )


async def sources_settled(database_url: str) -> None:
    """Notes, names, adds up and judges the sources of all that is stored, as the parser does in time."""
    opened = database(database_url, size=1, name="bench", stopping=asyncio.Event(), readiness=Readiness())
    async with opened as pool:
        assert pool is not None
        async with long_transaction(pool) as connection:
            note = "SELECT add_to_sources((SELECT array_agg(id) FROM report WHERE kind = 'aggregate'))"
            await connection.execute(note, timeout=TIMEOUT)
        await settle(pool, NamingData(NamingFiles()))


async def bytes_of(database_url: str) -> dict[str, float]:
    """Bytes with indexes: each record, each report, sums of the overview a record; and megabytes of the whole."""
    connection = await asyncpg.connect(database_url)
    [sizes] = await connection.fetch(SIZES, list(SUMS))
    await connection.close()
    return {name: float(value) for name, value in sizes.items()}


SIZES = """
WITH number AS (SELECT count(*) AS reports, sum(record_count) AS records FROM report)
SELECT (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'record'::regclass) / records
        AS "bytes a record",
    pg_total_relation_size('report') / reports AS "bytes a report",
    (SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest($1::text[]) AS name) / records
        AS "sums, bytes a record",
    pg_database_size(current_database()) / 1000000 AS "whole, MB"
FROM number
"""


def measured(sizes: list[int]) -> None:
    """Fills, measures and prints, size by size."""
    configure_logs(service="bench", level="warning")
    with temporary_data_dir() as data, EmbeddedNats(data) as nats, EmbeddedPostgres(data, durable=False) as server:
        filled = 0
        with visitor(nats.url, server.url) as browser:
            for round_number, size in enumerate(sizes):
                began = time.monotonic()
                asyncio.run(fill(server.url, since=filled, until=size))
                asyncio.run(sources_settled(server.url))
                filled = size
                print(f"\n{size:,} reports (filled in {time.monotonic() - began:.0f} s)", flush=True)
                words = {"number": FIRST + size // 2, "report_id": f"{FIRST + size // 2}.", "year": year_ago()}
                pages(browser, words)
                asyncio.run(told(server, round_number))


async def told(server: EmbeddedPostgres, round_number: int) -> None:
    """What storing costs at this size, and how large the database is."""
    cost = await storing(server.url, server.child.pid if server.child else 0, round_number=round_number)
    print(
        f"storing: {cost.mails_per_second:,.0f} mails/s; ms of processor a mail: parser {cost.parser_ms:.2f}, "
        f"PostgreSQL {cost.postgres_ms:.2f}, sums {cost.folding_ms:.3f}; parser {cost.parser_megabytes:.0f} MB"
    )
    for name, value in (await bytes_of(server.url)).items():
        print(f"  {name:<24}{value:>10,.1f}")


def year_ago() -> str:
    """The first day of a year that ends today."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - 364 * 86_400))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--reports", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    measured(sorted(parser.parse_args().reports))


if __name__ == "__main__":
    main()
