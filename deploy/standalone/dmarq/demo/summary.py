"""The end of a demo, for people and for machines."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dmarq.demo.audit import PROCESSED, Promise
from dmarq.demo.inbox import Told
from dmarq.demo.run import Result


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
