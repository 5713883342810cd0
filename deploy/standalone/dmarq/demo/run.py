"""Watches a demo until all mails are done, shows how far it is, audits it, and says what came of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from dmarq.demo.audit import PROCESSED, Figures, Folders, Promise, demo_account, figures, folders, promises
from dmarq.demo.inbox import Told
from dmarq.embedded import EmbeddedMailbox
from dmarq.samples import Totals
from dmarq.stack import Stack
from pipeline.contracts.mail_events import Outcome
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


def as_json(result: Result, told: Told) -> dict[str, Any]:
    """The summary as plain values."""
    found = result.figures
    return {
        "mails": found.mails,
        "outcomes": {outcome.value: number for outcome, number in found.outcomes.items()},
        "reports": found.reports,
        "records": found.records,
        "messages": found.messages,
        "seconds": round(result.seconds, 2),
        "mails_per_second": round(_rate(result), 1),
        "mailbox": {"INBOX": result.folders.inbox, PROCESSED: result.folders.processed},
        "dead_letters": found.dead_letters,
        "promises": [
            {"promise": promise.text, "kept": promise.is_kept, "found": promise.found} for promise in result.promises
        ],
        "all_kept": result.all_kept,
        "told": {"digest": told.digest, "alerts": list(told.alerts), "mails": told.mails},
    }


def as_table(result: Result, told: Told) -> RenderableType:
    """The summary as a table, and the promises with what was found."""
    found = result.figures
    table = Table(show_header=False, box=None, padding=(0, 2))
    for outcome, number in found.outcomes.items():
        table.add_row(outcome.value.replace("_", " "), f"{number:,}")
    table.add_section()
    table.add_row("mails", f"{found.mails:,}")
    table.add_row("reports", f"{found.reports:,}")
    table.add_row("records", f"{found.records:,}")
    table.add_row("messages", f"{found.messages:,}")
    table.add_row("mails per second", f"{_rate(result):,.0f}")
    table.add_row("in INBOX", f"{result.folders.inbox:,}")
    table.add_row(f"in {PROCESSED}", f"{result.folders.processed:,}")
    return Group(table, Text(), *map(_line, result.promises), *_told(told))


def _told(told: Told) -> list[Text]:
    """What a local inbox was sent; nothing where no notifier runs."""
    if not told.mails:
        return []
    lines = [told.digest, *(f"alert: {title}" for title in told.alerts)]
    return [
        Text(f"\ntold by {told.mails} mails to a local inbox"),
        *(Text(f"        {line}", "dim") for line in lines if line),
    ]


def _line(promise: Promise) -> Text:
    verdict = ("kept    ", "green") if promise.is_kept else ("BROKEN  ", "bold red")
    return Text.assemble(verdict, promise.text, "\n        ", (promise.found, "dim"))


def _rate(result: Result) -> float:
    return result.figures.mails / max(result.seconds, 0.001)
