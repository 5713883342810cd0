"""Mails that run into a bug among good ones, through extractor and parser on a real broker and a real database."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from random import Random
from time import monotonic

import asyncpg
from pydantic import SecretStr

from extractor.handler import handler
from parser.__main__ import stages
from parser.relay import Relay
from parser.storage.transaction import AnnouncementOptions
from pipeline.contracts import topology
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.wire import Envelope, Parcel
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected
from pipeline.postgres.connection import database
from pipeline.runtime.judge import DEFAULT_POLICY, RetryPolicy
from pipeline.runtime.runner import StageRunner
from pipeline.runtime.stage import Stage
from pipeline.settings import Settings
from pipeline.telemetry.health import Readiness
from tests.support.extracted import FETCHED_AT, HANDLING, extracted, mail_ref
from tests.support.mails import aggregate_xml, mail, part, text

TIMEOUT_S = 90.0
COUNT = "SELECT outcome, count(*) FROM mail GROUP BY outcome"


@dataclass(frozen=True, slots=True)
class Flood:
    """How it ended. `stored_s`: seconds until the last good mail was stored. `opened`: which stages' breakers did."""

    stored: int
    failed: int
    stored_s: float
    opened: frozenset[str]


class _Watched(Readiness):
    """Remembers every stage that was not ready for a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.ever_missing: set[str] = set()

    def set(self, dependency: str, *, up: bool, detail: str = "not available") -> None:
        if not up and dependency.startswith("stage "):
            self.ever_missing.add(dependency)
        super().set(dependency, up=up, detail=detail)


async def flood(
    nats_url: str, database_url: str, *, good: int, poisoned: int, policy: RetryPolicy = DEFAULT_POLICY, seed: int = 1
) -> Flood:
    """So many good and poisoned mails in random order, half of those for each stage. The database has the schema."""
    readiness = _Watched()
    envelopes = _in_random_order(good, poisoned, seed)
    async with connected(nats_url, name="flood", stopping=asyncio.Event(), on_change=lambda _: None) as client:
        assert client is not None
        bus = Bus(client)
        await bus.ensure()
        for start in range(0, len(envelopes), 200):
            await bus.publish(envelopes[start : start + 200])
        began = monotonic()
        async with running_stages(bus, database_url, readiness, policy):
            stored_s = await _until(database_url, "imported", good) - began
            await _until(database_url, "failed", poisoned)
        counts = await _counts(database_url)
    return Flood(counts.get("imported", 0), counts.get("failed", 0), stored_s, frozenset(readiness.ever_missing))


def _in_random_order(good: int, poisoned: int, seed: int) -> list[Envelope]:
    """An event without the bytes that it must bring is what a handler has no provision for: a stand-in for any bug."""
    uid = iter(range(1, good + poisoned + 1))
    envelopes = [_fetched(next(uid), Parcel.of(_report_mail(number))) for number in range(good)]
    for for_parser, _ in zip_longest(range(poisoned // 2), range(poisoned - poisoned // 2)):
        envelopes.append(_fetched(next(uid)))
        if for_parser is not None:
            envelopes.append(_without_cargo(next(uid)))
    Random(seed).shuffle(envelopes)
    return envelopes


def _report_mail(number: int) -> bytes:
    packed = gzip.compress(aggregate_xml(report_id=f"r-{number}", records=10), mtime=0)
    return mail(text(), part(packed, "application/gzip", name="report.xml.gz"))


def _fetched(uid: int, *cargo: Parcel) -> Envelope:
    event = MailFetched(
        mail=mail_ref(uid), handling=HANDLING, size=sum(p.size for p in cargo), fetched_at=FETCHED_AT, run_id="flood"
    )
    return Envelope(event, cargo)


def _without_cargo(uid: int) -> Envelope:
    return Envelope(extracted(uid, "<feedback>").event, ())


@asynccontextmanager
async def running_stages(bus: Bus, database_url: str, readiness: Readiness, policy: RetryPolicy) -> AsyncIterator[None]:
    """Extractor and parser at work inside the block."""
    stopping = asyncio.Event()
    settings = Settings(database_url=SecretStr(database_url))
    opened = database(database_url, size=4, name="flood", stopping=stopping, readiness=readiness)
    async with opened as postgres, asyncio.TaskGroup() as group:
        assert postgres is not None
        relay = Relay(postgres, bus)
        extractor = Stage(topology.EXTRACTOR, handler(settings.limits))
        for stage in (extractor, *stages(settings, postgres, relay, AnnouncementOptions())):
            runner = StageRunner(bus, replace(stage, policy=policy), stopping, readiness=readiness)
            group.create_task(runner.run())
        group.create_task(relay.run(stopping))
        try:
            yield
        finally:
            stopping.set()


async def _until(database_url: str, outcome: str, wanted: int) -> float:
    async with asyncio.timeout(TIMEOUT_S):
        while (await _counts(database_url)).get(outcome, 0) < wanted:  # noqa: ASYNC110 nothing tells
            await asyncio.sleep(0.05)
    return monotonic()


async def _counts(database_url: str) -> dict[str, int]:
    connection = await asyncpg.connect(database_url)
    try:
        return {outcome: count for outcome, count in await connection.fetch(COUNT)}
    finally:
        await connection.close()
