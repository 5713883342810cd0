"""Watches a demo until all mails are done, shows how far it is, and audits it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dmarq.demo.audit import Figures, Folders, Promise, demo_account, figures, folders, promises
from dmarq.embedded import EmbeddedMailbox
from dmarq.samples import Totals
from dmarq.stack import Stack
from pipeline.contracts.events import Outcome
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected
from pipeline.postgres.connection import database
from pipeline.runtime.retry import pause
from pipeline.telemetry.health import Readiness

LOOK_EVERY_S = 0.25
NO_PROGRESS_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a demo ended. `seconds` from the first look to the last mail that was acted on."""

    expected: Totals
    figures: Figures
    folders: Folders
    promises: tuple[Promise, ...]
    seconds: float

    @property
    def all_kept(self) -> bool:
        """Whether no promise is broken."""
        return all(promise.is_kept for promise in self.promises)


async def watch_demo(
    stack: Stack, mailbox: EmbeddedMailbox, expected: Totals, *, console: Console, stopping: asyncio.Event
) -> Result | None:
    """The result when all mails are done or nothing moves any more; None when told to stop before."""
    async with AsyncExitStack() as resources:
        client = await resources.enter_async_context(
            connected(stack.nats_url, name="demo", stopping=stopping, on_change=lambda _: None)
        )
        opened = await resources.enter_async_context(
            database(stack.database_url, size=1, name="demo", stopping=stopping, readiness=Readiness())
        )
        if client is None or opened is None:
            return None
        bus = Bus(client)
        started = time.monotonic()
        with _bar(console) as bar:
            found = await _until_done(lambda: figures(opened, bus), expected, bar=bar, stopping=stopping)
        seconds = time.monotonic() - started
        if stopping.is_set():
            return None
        mails = await folders(demo_account(mailbox))
    return Result(
        expected=expected,
        figures=found,
        folders=mails,
        promises=promises(found, mails, expected),
        seconds=seconds,
    )


async def _until_done(
    look: Callable[[], Awaitable[Figures]], expected: Totals, *, bar: Progress, stopping: asyncio.Event
) -> Figures:
    task = bar.add_task("mails", total=expected.mails)
    found = await look()
    moved_at = time.monotonic()
    while not (_is_done(found, expected) or stopping.is_set() or time.monotonic() - moved_at > NO_PROGRESS_S):
        await pause(stopping, LOOK_EVERY_S)
        before, found = found, await look()
        moved_at = time.monotonic() if found != before else moved_at
        bar.update(task, completed=found.mails, description=f"{found.reports} reports, {found.records} records")
    return found


def _is_done(found: Figures, expected: Totals) -> bool:
    handled = found.mails >= expected.mails and found.fetched >= expected.mails
    return handled and found.pending == 0 and found.dead_letters >= found.outcomes[Outcome.FAILED]


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)
