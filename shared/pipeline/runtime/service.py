"""The frame every service hangs in: settings, logs, bus, health, signals, and a graceful stop."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import structlog
import uvloop

from pipeline.errors import EXIT_BAD_SETTINGS, EXIT_FAILED, TryLater, leaves
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected
from pipeline.runtime.retry import persist_unless_stopped
from pipeline.runtime.runner import StageRunner
from pipeline.runtime.stage import Stage
from pipeline.secrets import BadSecretKey
from pipeline.settings import Settings, SettingsError
from pipeline.telemetry.backlog import watch_backlog
from pipeline.telemetry.health import Readiness, serving_health
from pipeline.telemetry.logs import configure_logs

log = structlog.get_logger(__name__)

# Mails and reports are many small objects in no cycles. Looking for cycles as often as Python does by default takes up
# to a third of the time that reading and storing takes.
COLLECT_AFTER = (50_000, 20, 50)
BAD_SETTINGS = (SettingsError, BadSecretKey)
FAILURES = (OSError, TryLater)  # one line says enough; anything else is a bug and comes with its traceback


@dataclass(frozen=True, slots=True)
class Frame:
    """What a service is given: its settings, the bus, its readiness, and the event that says stop."""

    settings: Settings
    bus: Bus
    readiness: Readiness
    stopping: asyncio.Event

    async def run(self, *stages: Stage) -> None:
        """Runs the stages until told to stop."""
        async with asyncio.TaskGroup() as group:
            consumers = [stage.consumer for stage in stages]
            group.create_task(watch_backlog(self.bus, consumers, self.stopping), name="backlog")
            for stage in stages:
                runner = StageRunner(self.bus, stage, self.stopping, readiness=self.readiness)
                group.create_task(runner.run(), name=stage.consumer.name)


Body = Callable[[Frame], Awaitable[None]]
Check = Callable[[Settings], object]


def run_service(name: str, about: str, body: Body, *, health_address: str, check: Check | None = None) -> int:
    """Runs a service to its end and gives the exit status: 0 after a stop, 78 for bad settings, 1 for a failure.

    `check` says what the service asks of its settings beyond their form, before anything is connected: it raises
    SettingsError or BadSecretKey.
    """
    _read_command_line(name, about, health_address=health_address)
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        settings = Settings.load()
        configure_logs(service=name, level=settings.log_level, json_lines=settings.log_json)
        if check is not None:
            check(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(name, body, settings, health_address=settings.health_address or health_address))
    except (*BAD_SETTINGS, *FAILURES, BaseExceptionGroup) as error:
        causes = leaves(error)
        if not all(isinstance(cause, BAD_SETTINGS + FAILURES) for cause in causes):
            raise
        for cause in causes:
            sys.stderr.write(f"{name}: {cause}\n")
        return EXIT_BAD_SETTINGS if isinstance(causes[0], BAD_SETTINGS) else EXIT_FAILED
    return 0


def _read_command_line(name: str, about: str, *, health_address: str) -> None:
    epilog = f"""Settings come from the environment; docs/configuration.md lists every variable. Example:

  DMARQ_NATS_URL=nats://nats:4222 DMARQ_HEALTH_ADDRESS={health_address} {name}

/healthz, /readyz and /metrics are served on DMARQ_HEALTH_ADDRESS (default {health_address})."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=name, description=about, epilog=epilog, formatter_class=formatter)
    parser.parse_args()


async def _serve(name: str, body: Body, settings: Settings, *, health_address: str) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    readiness = Readiness()
    readiness.set("nats", up=False, detail="not connected yet")
    readiness.set("streams", up=False, detail="not looked at yet")
    came_back = asyncio.Event()

    def on_change(up: bool) -> None:
        readiness.set("nats", up=up)
        if up:
            came_back.set()

    url = settings.nats_url.get_secret_value()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving_health(health_address, readiness))
        client = await stack.enter_async_context(connected(url, name=name, stopping=stopping, on_change=on_change))
        if client is None:
            return
        bus = Bus(client)
        came_back.clear()
        await ensured(bus, settings, stopping)
        log.info("topology_ensured")
        if stopping.is_set():
            return
        log.info("started", health=health_address)
        readiness.set("streams", up=True)  # no wait between here and what the body itself needs
        async with asyncio.TaskGroup() as group:
            ensuring = group.create_task(ensured_again(bus, settings, stopping, came_back), name="ensure")
            await body(Frame(settings, bus, readiness, stopping))
            ensuring.cancel()
        log.info("stopped")


async def ensured(bus: Bus, settings: Settings, stopping: asyncio.Event) -> None:
    """Waits until streams, consumers and buckets exist as declared, or until told to stop. Raises TopologyError."""
    ensure = partial(bus.ensure, replicas=settings.nats_replicas, updates=settings.migrate)
    await persist_unless_stopped(ensure, stopping)


async def ensured_again(bus: Bus, settings: Settings, stopping: asyncio.Event, came_back: asyncio.Event) -> None:
    """A broker that comes back may have lost its disk, or be another one."""
    while True:
        await came_back.wait()
        came_back.clear()
        await ensured(bus, settings, stopping)
        log.info("topology_ensured")
