"""The notifier service: `notifier`, or `python -m notifier`."""

import asyncio
import sys
from collections.abc import Sequence

import pipeline.telemetry.light  # noqa: F401 before whatever logs
from notifier.alerts import Options
from notifier.courier import Courier, Trier
from notifier.reports import ReportTaker
from notifier.sending.send import Sender
from notifier.watch import Watch
from pipeline.contracts import topology
from pipeline.contracts.wire import Envelope
from pipeline.jetstream.requests import serving
from pipeline.postgres.connection import Database, database
from pipeline.runtime.retry import persist_unless_stopped
from pipeline.runtime.service import Frame, run_service
from pipeline.runtime.stage import Result, Stage
from pipeline.secrets import Keyring
from pipeline.settings import Settings

HEALTH_ADDRESS = "127.0.0.1:9104"
REPORTS, EVENTS = 25, 100  # in hand at once: a report comes with its rows, and memory is short
ABOUT = "Tells people and programs: alerts, digests and webhooks."


async def serve(frame: Frame) -> None:
    """Watches, takes reports, sends and answers until told to stop."""
    settings = frame.settings
    opened = database(
        settings.database_url.get_secret_value(),
        size=settings.database_pool,
        name="notifier",
        stopping=frame.stopping,
        readiness=frame.readiness,
        migrates=settings.migrate,
    )
    async with opened as postgres:
        if postgres is not None:
            await work(frame, postgres)


async def work(frame: Frame, postgres: Database) -> None:
    """Everything of the service, side by side."""
    settings = frame.settings
    options = Options(settings.public_url or f"http://{settings.http_address}", dry_run=settings.notify_dry_run)
    sender = Sender(keyring(settings), allow_private=settings.notify_private_addresses)
    noted = asyncio.Event()
    watch = Watch(postgres, frame.bus, options, noted=noted)

    async def heard(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        """What happened is in the database, or soon will be: look."""
        watch.wake()
        return [[] for _ in envelopes]

    def taken() -> None:
        watch.wake_for_reports()
        noted.set()

    taker = ReportTaker(postgres, taken=taken, dry_run=settings.notify_dry_run)
    trier = Trier(postgres, sender, dry_run=settings.notify_dry_run)
    async with asyncio.TaskGroup() as group:
        group.create_task(watch.run(frame.stopping), name="watch")
        group.create_task(Courier(postgres, sender, noted).run(frame.stopping), name="courier")
        group.create_task(answer_tests(frame, trier), name="tests")
        await frame.run(
            Stage(topology.NOTIFIER_REPORTS, taker, batch=REPORTS, concurrency=1),
            Stage(topology.NOTIFIER_EVENTS, heard, batch=EVENTS, concurrency=1, linger=0.5),
        )


async def answer_tests(frame: Frame, trier: Trier) -> None:
    """Tries channels when config-api asks for it, until told to stop."""

    async def serve_tests() -> None:
        async with serving(frame.bus.client, topology.NOTIFY_TEST_SUBJECT, trier.answer, queue="notifier"):
            await frame.stopping.wait()

    await persist_unless_stopped(serve_tests, frame.stopping)  # the broker may go away just as we are about to listen


def keyring(settings: Settings) -> Keyring:
    """The keys that open the channels' secrets. Raises BadSecretKey."""
    return Keyring(settings.secret_key.get_secret_value())


def main() -> int:
    """Runs the service and gives its exit status."""
    return run_service("notifier", ABOUT, serve, health_address=HEALTH_ADDRESS, check=keyring)


if __name__ == "__main__":
    sys.exit(main())
