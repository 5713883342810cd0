"""What the operating commands print: tables that fit a terminal of 80 columns for people, JSON lines for machines."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 80  # where nobody knows how wide it is
GAP = 2  # between columns
LONG_WORD = 24  # what is longer may break
Row = Mapping[str, Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading in words, and what it shows of a row. With `narrow` it is never folded."""

    heading: str
    of: Callable[[Row], Any]
    narrow: bool = False


def show(rows: Iterable[Row], columns: Iterable[Column], *, as_json: bool, empty: str) -> None:
    """The rows as a table of these columns (all fields as JSON lines for machines); `empty` where there are none."""
    rows = list(rows)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    if not rows:
        click.echo(empty)
        return
    columns = list(columns)
    cells = [[plain(_shown(column.of(row))) for column in columns] for row in rows]
    console = Console(width=None if is_terminal() else WIDTH)
    least = [_least(column, [row[at] for row in cells]) for at, column in enumerate(columns)]
    if sum(least) + GAP * (len(least) - 1) > console.width:
        console.print(*(_one_below_the_other(columns, row) for row in cells), sep="\n")
        return
    table = Table(box=None, padding=(0, GAP, 0, 0), header_style="bold", pad_edge=False)
    for column, width in zip(columns, least, strict=True):
        table.add_column(column.heading, overflow="fold", no_wrap=column.narrow, min_width=width)
    for texts in cells:
        table.add_row(*map(Text, texts))
    console.print(table)


def _least(column: Column, texts: Iterable[str]) -> int:
    """How wide a column must be so that none of its words breaks; a very long one, such as an address, may."""
    whole = [column.heading, *texts]
    words = whole if column.narrow else [word for text in whole for word in text.split()]
    return max((cell_len(word) if column.narrow else min(cell_len(word), LONG_WORD) for word in words), default=0)


def _one_below_the_other(columns: Iterable[Column], texts: Iterable[str]) -> Table:
    """A row that is too wide for a line of its own: each field on a line; those without anything are left out."""
    fields = Table(box=None, padding=(0, GAP, 0, 0), show_header=False, pad_edge=False)
    fields.add_column(style="bold", no_wrap=True)
    fields.add_column(overflow="fold")
    for column, text in zip(columns, texts, strict=True):
        if text:
            fields.add_row(column.heading, Text(text))
    return fields


def field(path: str) -> Callable[[Row], Any]:
    """What stands in a row at this path, names with dots in between; None where there is nothing."""

    def of(row: Row) -> Any:
        value: Any = row
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    return of


def columns(*names: str) -> tuple[Column, ...]:
    """A column for each field, headed by the field's name in words."""
    return tuple(Column(name.replace("_", " "), field(name)) for name in names)


def time_of(path: str) -> Callable[[Row], str]:
    """The time that stands in a row at this path (ISO 8601), as people say it."""
    find = field(path)

    def of(row: Row) -> str:
        at = find(row)
        return when(datetime.fromisoformat(at), now=datetime.now(UTC)) if at else ""

    return of


STEPS = ((60.0, 1.0, "s"), (3600.0, 60.0, "min"), (2 * 86400.0, 3600.0, "h"))
AS_DAYS = timedelta(days=30)  # what is further away is told by its date


def when(at: datetime, *, now: datetime) -> str:
    """How long ago something was, or until it is; a date where that is long.

    >>> when(datetime(2026, 5, 1, 12, 0, tzinfo=UTC), now=datetime(2026, 5, 1, 12, 7, tzinfo=UTC))
    '7 min ago'
    """
    away = abs(now - at)
    if away > AS_DAYS:
        return at.astimezone(UTC).date().isoformat()
    seconds = away.total_seconds()
    if seconds < 1:
        return "now"
    said = next((f"{seconds // unit:.0f} {name}" for limit, unit, name in STEPS if seconds < limit), "")
    said = said or f"{away.days} days"
    return f"in {said}" if at > now else f"{said} ago"


def is_terminal() -> bool:
    """Whether a person reads what we print."""
    return sys.stdout.isatty()


def plain(text: str) -> str:
    """Without what could play tricks on a terminal: reports and DNS may say anything."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else str(value)
