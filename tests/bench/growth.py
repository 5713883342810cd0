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
from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.sources.chores import group_sources
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
PAGE_MS, API_MS = 200, 300  # what a first look may take at a million reports
EVERYWHERE = "d0.example.com", "d7.example.com", "d200.example.com"  # a domain with most reports, with many, with few
SORTS = ("attention", "-messages", "-failed", "-last_day")
PERIOD = "since={month}&until={today}"
PAGES = {
    "overview": "/",
    "overview, 90 days": "/?days=90",
    "overview, a year": "/?days=365",
    "overview, everything": "/?days=all",
    "overview, one domain": "/?domain=d0.example.com",
    "reports": "/reports",
    "reports, none found": "/reports?q=nothing-like-it",
    "one report": "/reports/{number}",
    "emails": "/mails",
    "sources": "/sources",
    "sources by network": "/sources?by=network",
    "sources by address": "/sources?by=address",
    "sources of a domain": "/sources?domain=d0.example.com",
    "sources, searched": "/sources?q=172.16.9.",
    "sources, none found": "/sources?q=nothing-like-it",
    "sources of 30 days": f"/sources?{PERIOD}",
    "sources by address, 30 days": f"/sources?by=address&{PERIOD}",
    "one source": "/sources/172.16.0.1",
    "one service": "/sources/services/twilio-sendgrid",
    "domains": "/domains",
    **{f"domain {name}": f"/domains/{name}" for name in EVERYWHERE},
    "domain, a year": "/domains/d0.example.com?days=365",
    "domain, whole": "/domains/d0.example.com?whole=yes",
}
API = {
    "summary, 30 days": "summary",
    "summary, a year": "summary?since={year}",
    "summary, one domain": "summary?domain=d0.example.com",
    "reports by messages": "reports?sort=-messages",
    "reports by storing": "reports?sort=stored_at",
    "reports of a domain": "reports?domain=d7.example.com",
    "reports, many found": "reports?q=reporter-3",
    "reports, one found": "reports?q={report_id}",
    "reports, none found": "reports?q=nothing-like-it",
    "reports of an address": "reports?q=172.16.0.1",
    "reports, no such address": "reports?q=203.0.113.9",
    **{f"sources, {sort}": f"sources?sort={sort}" for sort in SORTS},
    **{f"sources of a domain, {sort}": f"sources?domain=d0.example.com&sort={sort}" for sort in SORTS},
    **{f"sources of a service, {sort}": f"sources?service=twilio-sendgrid&sort={sort}" for sort in SORTS},
    "sources, failing": "sources?verdict=failing&sort=-messages",
    "sources, passing": "sources?result=passing&sort=-failed",
    "sources, new": "sources?change=new&sort=-last_day",
    "sources, ours": "sources?standing=ours",
    "sources of no network": "sources?asn=64511",
    "sources, many found": "sources?q=sendgrid",
    "sources, one found": "sources?q=172.16.0.1",
    "sources, none found": "sources?q=nothing-like-it",
    "sources, 500": "sources?limit=500",
    "sources of 30 days": f"sources?{PERIOD}",
    "one source": "sources/172.16.0.1",
    "its records": "sources/172.16.0.1/records",
    "services": "services",
    "services of a domain": "services?domain=d0.example.com",
    "networks": "networks",
    "changes": "changes",
    "changes of a kind": "changes?change=silent",
    "domains": "domains",
    "domains, none found": "domains?q=nothing-like-it",
    **{f"domain {name}": f"domains/{name}" for name in EVERYWHERE},
    "readiness": "domains/d0.example.com/readiness",
    "DNS": "domains/d0.example.com/dns",
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
    """Prints how long each page and each list of the API takes at first, and the best of the next tries."""
    print(f"  {'':<34}{'first':>10}{'then':>10}  ms")
    for title, limit, prefix, paths in (("page", PAGE_MS, "", PAGES), ("API", API_MS, "/api/v1/", API)):
        for name, path in paths.items():
            here = prefix + path.format(**words)
            first = milliseconds(browser, here)
            tries = TRIES if first < TIMEOUT_MS else 1
            then = min(milliseconds(browser, here) for _ in range(tries))
            over = "  over" if first > limit else ""
            print(f"  {title + ' ' + name:<34}{first:>10,.1f}{then:>10,.1f}{over}", flush=True)


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
    """Names, adds up and judges the sources of all that is stored, as the parser does in time."""
    opened = database(database_url, size=1, name="bench", stopping=asyncio.Event(), readiness=Readiness())
    async with opened as pool:
        assert pool is not None
        await settle(pool, NamingData(NamingFiles()))
        async with pool.connection() as connection:
            await connection.execute("ANALYZE source, source_identity, source_verdict")
        await group_sources(pool, asyncio.Event())  # it is known now how many sources there are


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
                words = {"number": FIRST + size // 2, "report_id": f"{FIRST + size // 2}.", "today": day(0)}
                words |= {"month": day(29), "year": day(364)}
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


def day(back: int) -> str:
    """Today, or a day so many days before it (UTC)."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - back * 86_400))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--reports", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    measured(sorted(parser.parse_args().reports))


if __name__ == "__main__":
    main()
