"""The parser service: `parser`, or `python -m parser`."""

import asyncio
import sys

from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.kinds.reading import SampleKept
from parser.recorder import Inquiry, Recorder
from parser.relay import Relay
from parser.reparse.worker import Reparser
from parser.sources.chores import keep_sources
from parser.sources.data import NamingData, NamingFiles
from parser.sources.lookups import LookupOptions, keep_lookups
from parser.sources.row_names import RowNames
from parser.storage.transaction import AnnouncementOptions, Store
from parser.upkeep import keep_house, keep_overview
from pipeline.contracts import topology
from pipeline.jetstream.requests import serving
from pipeline.postgres.connection import Database, database
from pipeline.runtime.retry import persist_unless_stopped
from pipeline.runtime.service import Frame, run_service
from pipeline.runtime.stage import Stage
from pipeline.settings import Settings

HEALTH_ADDRESS = "127.0.0.1:9103"
BATCH = 100
ABOUT = "Reads reports, stores them in PostgreSQL, and says what becomes of the mail."


async def serve(frame: Frame) -> None:
    """Stores, records and relays until told to stop."""
    settings = frame.settings
    opened = database(
        settings.database_url.get_secret_value(),
        size=settings.database_pool,
        name="parser",
        stopping=frame.stopping,
        readiness=frame.readiness,
        migrates=settings.migrate,
    )
    async with opened as postgres:
        if postgres is not None:
            await work(frame, postgres)


async def work(frame: Frame, postgres: Database) -> None:
    """The stages; beside them the relay, which finishes after them, and the retention."""
    relay = Relay(postgres, frame.bus)
    naming = NamingData(naming_files(frame.settings))
    await naming.refresh()
    announcements = announcement_options(frame.settings, naming)
    parser, recorder = stages(frame.settings, postgres, relay, announcements)
    reparser = Reparser(
        postgres,
        options=read_options(frame.settings),
        announcements=announcements,
        committed=relay.wake,
    )
    finish = asyncio.Event()
    kept = {
        "keep_documents_days": frame.settings.keep_documents_days,
        "keep_failure_days": frame.settings.keep_failure_days,
        "keep_records_months": frame.settings.keep_records_months,
    }
    lookups = LookupOptions(dns_hours=frame.settings.dns_hours, host_names=frame.settings.host_names)
    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(finish), name="relay")
        group.create_task(keep_house(postgres, frame.stopping, **kept), name="retention")
        group.create_task(keep_overview(postgres, frame.stopping), name="overview")
        group.create_task(keep_sources(postgres, naming, frame.stopping), name="sources")
        group.create_task(keep_lookups(postgres, frame.bus, lookups, frame.stopping), name="lookups")
        group.create_task(reparse(frame, reparser), name="reparse")
        group.create_task(answer_fetchers(frame, Inquiry(postgres)), name="inquiry")
        await frame.run(parser, recorder)
        finish.set()


async def reparse(frame: Frame, reparser: Reparser) -> None:
    """Takes requests for reparse, and works on them, until told to stop."""

    async def serve_and_work() -> None:
        async with serving(frame.bus.client, topology.REPARSE_SUBJECT, reparser.ask, queue="parser"):
            await reparser.run(frame.stopping)

    await persist_unless_stopped(
        serve_and_work, frame.stopping
    )  # the broker may go away just as we are about to listen


async def answer_fetchers(frame: Frame, inquiry: Inquiry) -> None:
    """Tells fetchers what the ledger does not know, until told to stop."""
    async with serving(frame.bus.client, topology.LEDGER_SUBJECT, inquiry.answer, queue="parser"):
        await frame.stopping.wait()


def stages(
    settings: Settings, postgres: Database, relay: Relay, announcements: AnnouncementOptions
) -> tuple[Stage, Stage]:
    """The parser's and the recorder's stage."""
    store = Store(postgres, announcements)
    handler = ParserHandler(postgres, store, options=read_options(settings), committed=relay.wake)
    recorder = Recorder(postgres, committed=relay.wake)
    return (
        Stage(topology.PARSER, handler, batch=BATCH, concurrency=2),
        Stage(topology.RECORDER, recorder, batch=BATCH, concurrency=1),
    )


def announcement_options(settings: Settings, naming: NamingData) -> AnnouncementOptions:
    """How reports are announced."""
    public_url = settings.public_url or f"http://{settings.http_address}"
    return AnnouncementOptions(settings.report_rows, public_url, RowNames(naming))


def read_options(settings: Settings) -> ReadOptions:
    """How documents are read."""
    return ReadOptions(limits=settings.limits, sample_kept=SampleKept(settings.failure_sample))


def naming_files(settings: Settings) -> NamingFiles:
    """The files that sources are named with."""
    return NamingFiles(settings.services_path, settings.network_paths)


def main() -> int:
    """Runs the service and gives its exit status."""
    return run_service("parser", ABOUT, serve, health_address=HEALTH_ADDRESS)


if __name__ == "__main__":
    sys.exit(main())
